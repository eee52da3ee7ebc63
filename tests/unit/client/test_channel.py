import pytest

import graphwire


@pytest.mark.parametrize("half", [{"certificate_chain": b"PEM"}, {"private_key": b"PEM"}])
def test_a_certificate_and_its_key_belong_together(half: dict[str, bytes]) -> None:
    with pytest.raises(ValueError, match="belong together"):
        graphwire.connect("localhost:1", root_certificates=b"PEM", **half)  # type: ignore[arg-type]  # one option or the other
