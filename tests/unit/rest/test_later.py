import pytest

from graphwire_server.core.errors import NotOffered
from graphwire_server.rest.calls import Call
from graphwire_server.rest.later import later

ROWS = [(path, method) for path, methods in later().items() for method in methods]


@pytest.mark.parametrize(("path", "method"), ROWS)
async def test_what_is_not_offered_is_named(path: str, method: str) -> None:
    operation = later()[path][method]

    with pytest.raises(NotOffered) as refused:
        await operation.run(Call({"path_params": {}, "headers": []}, None, None))

    assert refused.value.message.startswith(f"{method} {path} is not offered")


def test_each_has_a_name_of_its_own() -> None:
    names = [later()[path][method].name for path, method in ROWS]

    assert len(set(names)) == len(names)
    assert all(name.isidentifier() for name in names)
