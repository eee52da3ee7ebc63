"""What keys and certificates a server starts with, and which mistakes keep it from starting, in one line each."""

from pathlib import Path
from typing import Any

import pytest
import trustme

from graphwire_server.config import Settings
from graphwire_server.security import Security, SecurityError, read_security


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"GRAPHWIRE_{name.upper()}", raising=False)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Options that name a certificate, its key, and an authority; and beside them `other`, the key of another certificate."""
    folder, authority = tmp_path_factory.mktemp("tls"), trustme.CA()
    found = {name: folder / name for name in ("tls_cert", "tls_key", "tls_client_ca", "other")}
    issued, other = authority.issue_cert("localhost"), authority.issue_cert("elsewhere")
    issued.cert_chain_pems[0].write_to_path(found["tls_cert"])
    issued.private_key_pem.write_to_path(found["tls_key"])
    other.private_key_pem.write_to_path(found["other"])
    authority.cert_pem.write_to_path(found["tls_client_ca"])
    return found


def _read(**options: Any) -> Security:
    return read_security(Settings(**options))


def _refused(**options: Any) -> str:
    with pytest.raises(SecurityError) as refused:
        _read(**options)
    line = str(refused.value)
    assert "\n" not in line
    return line


def test_by_default_nobody_is_asked_on_loopback() -> None:
    made = _read()

    assert not made.keys
    assert made.tls is None


def test_keys_of_the_variable_and_of_the_file_are_right_alike(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text("# those of the team\n\nfrom-file  \r\n  # another\nfrom-file-too\n")

    keys = _read(api_keys=("given",), api_keys_file=path).keys

    assert len(keys) == 3
    for key in ("given", "from-file", "from-file-too"):
        keys.check({"x-api-key": key})


@pytest.mark.parametrize("given", [("",), ("fine", ""), ("s3cret key",)])
def test_a_key_that_cannot_be_one_is_refused_unseen(given: tuple[str, ...]) -> None:
    line = _refused(api_keys=given)

    assert line.startswith("GRAPHWIRE_API_KEYS: a key ")
    assert "s3cret" not in line


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"", "no key in it"), (b"# none\n\n", "no key in it"), (b"s3cret key\n", "a space"), (b"s3cret\xff\n", "UTF-8")],
)
def test_a_file_without_usable_keys_is_refused_unseen(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "keys"
    path.write_bytes(content)

    line = _refused(api_keys_file=path)

    assert line.startswith(f"--api-keys-file {path}")
    assert says in line
    assert "s3cret" not in line


def test_certificates_are_read(files: dict[str, Any]) -> None:
    names = ("tls_cert", "tls_key", "tls_client_ca")

    tls = _read(**{name: files[name] for name in names}).tls

    assert tls is not None
    assert (tls.cert, tls.key, tls.client_ca) == tuple(files[name].read_bytes() for name in names)
    assert (tls.cert_path, tls.key_path, tls.client_ca_path) == tuple(files[name] for name in names)
    assert "PRIVATE KEY" not in repr(tls)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"tls_cert": "tls_cert"}, "--tls-cert needs --tls-key"),
        ({"tls_key": "tls_key"}, "--tls-key needs --tls-cert"),
        ({"tls_client_ca": "tls_client_ca"}, "--tls-client-ca needs --tls-cert and --tls-key"),
        ({"tls_cert": "tls_cert", "tls_client_ca": "tls_client_ca"}, "--tls-cert needs --tls-key"),
        ({"tls_cert": "tls_cert", "tls_key": "other"}, "are not a certificate and its key"),
        ({"tls_cert": "tls_key", "tls_key": "tls_key"}, "are not a certificate and its key"),
        ({"tls_cert": "tls_cert", "tls_key": "tls_key", "tls_client_ca": "tls_key"}, "has no certificates in PEM"),
    ],
)
def test_certificates_that_do_not_fit_are_refused(files: dict[str, Any], options: dict[str, str], says: str) -> None:
    assert says in _refused(**{option: files[name] for option, name in options.items()})


@pytest.mark.parametrize("missing", ["tls_cert", "tls_key", "tls_client_ca", "api_keys_file"])
def test_a_file_that_cannot_be_read_is_named(files: dict[str, Any], missing: str) -> None:
    options = {name: files[name] for name in ("tls_cert", "tls_key")} | {missing: Path("/no/such/file")}

    line = _refused(**options)

    assert line == f"--{missing.replace('_', '-')} /no/such/file cannot be read: No such file or directory"


def test_a_key_with_a_passphrase_is_refused_without_asking_for_it(files: dict[str, Any], tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization as pem  # noqa: PLC0415  trustme brings it

    key = pem.load_pem_private_key(files["tls_key"].read_bytes(), None)
    locked = tmp_path / "locked"
    encryption = pem.BestAvailableEncryption(b"secret")
    locked.write_bytes(key.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, encryption))

    assert "without a passphrase" in _refused(tls_cert=files["tls_cert"], tls_key=locked)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "::1", "[::1]", "localhost", "LocalHost"])
def test_loopback_needs_no_key(host: str) -> None:
    assert not _read(host=host).keys


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.com", "localhost.example.com", ""])  # noqa: S104  nothing is bound to them here
def test_an_address_that_others_reach_needs_an_answer(host: str, files: dict[str, Any], tmp_path: Path) -> None:
    tls = {name: files[name] for name in ("tls_cert", "tls_key")}
    (tmp_path / "keys").write_text("key")

    line = _refused(host=host)

    assert line == (
        f"host {host} is reachable by others: set GRAPHWIRE_API_KEYS, "
        "or --allow-anonymous if something in front asks for them"
    )
    assert _refused(host=host, **tls) == line
    assert _read(host=host, allow_anonymous=True).tls is None
    assert _read(host=host, api_keys=("key",)).keys
    assert _read(host=host, api_keys_file=tmp_path / "keys").keys
    assert not _read(host=host, tls_client_ca=files["tls_client_ca"], **tls).keys
