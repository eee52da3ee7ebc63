"""TLS on a real server, with and without certificates of clients, and what a person at a terminal meets."""

import asyncio
import re
import shlex
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

import graphwire
from tests.support.program import PROGRAM, output, process, until
from tests.support.serving import Server, running

KEYS = ("first-key", "second-key")


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """Files in PEM: an authority, and what it has given to a server and to a client."""

    ca: Path
    server: dict[str, Path]
    client: dict[str, Path]

    def given(self, *, client: bool = False) -> dict[str, Any]:
        """The arguments of `connect`."""
        own = {"certificate_chain": "cert", "private_key": "key"} if client else {}
        shown = {argument: self.client[name].read_bytes() for argument, name in own.items()}
        return {"root_certificates": self.ca.read_bytes(), **shown}


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    folder, authority = tmp_path_factory.mktemp("tls"), trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    return Certificates(
        ca=folder / "ca.pem",
        server=_written(folder, "server", authority.issue_cert("127.0.0.1", "localhost")),
        client=_written(folder, "client", authority.issue_cert("client@example.com")),
    )


def _written(folder: Path, name: str, issued: trustme.LeafCert) -> dict[str, Path]:
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    cert.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(key)
    return {"cert": cert, "key": key}


@asynccontextmanager
async def encrypted(data_dir: Path, certificates: Certificates, **settings: Any) -> AsyncIterator[Server]:
    shown = {"tls_cert": certificates.server["cert"], "tls_key": certificates.server["key"]}
    async with running(data_dir, **shown, **settings) as server:
        yield server


async def test_over_tls(tmp_path: Path, certificates: Certificates) -> None:
    async with (
        encrypted(tmp_path, certificates, api_keys=KEYS) as server,
        graphwire.connect(server.address, api_key="first-key", **certificates.given()) as client,
    ):
        events = [event.mode async for event in client.stream("joke", {"topic": "cats"})]

    assert events[-1] == "end"


async def test_plain_text_and_strangers_get_no_answer_over_tls(tmp_path: Path, certificates: Certificates) -> None:
    attempts: list[dict[str, Any]] = [{}, {"root_certificates": trustme.CA().cert_pem.bytes()}]
    async with encrypted(tmp_path, certificates) as server:
        for given in attempts:
            async with graphwire.connect(server.address, **given) as client:
                with pytest.raises(graphwire.Unavailable):
                    await client.assistants.graph("joke")


async def test_mutual_tls_lets_in_those_with_a_certificate_alone(tmp_path: Path, certificates: Certificates) -> None:
    stranger = trustme.CA().issue_cert("client@example.com")
    shown = {
        "certificate_chain": stranger.cert_chain_pems[0].bytes(),
        "private_key": stranger.private_key_pem.bytes(),
    }
    async with encrypted(tmp_path, certificates, tls_client_ca=certificates.ca) as server:
        async with graphwire.connect(server.address, **certificates.given(client=True)) as client:
            assert (await client.invoke("joke", {"topic": "cats"})).run.status == "success"
        for given in (certificates.given(), certificates.given() | shown):
            async with graphwire.connect(server.address, **given) as client:
                with pytest.raises(graphwire.Unavailable):
                    await client.assistants.graph("joke")


async def test_http_asks_for_certificates_as_well(tmp_path: Path, certificates: Certificates) -> None:
    known, unknown = (ssl.create_default_context(cafile=certificates.ca) for _ in range(2))
    known.load_cert_chain(certificates.client["cert"], certificates.client["key"])
    async with encrypted(tmp_path, certificates, tls_client_ca=certificates.ca) as server:
        url = server.url.replace("http://", "https://")
        async with httpx.AsyncClient(base_url=url, verify=known) as client:
            assert (await client.get("/ok")).json()["ok"] is True
        async with httpx.AsyncClient(base_url=url, verify=unknown) as client:
            with pytest.raises(httpx.TransportError):
                await client.get("/ok")


async def test_the_console_over_mutual_tls_with_a_key(tmp_path: Path, certificates: Certificates) -> None:
    given = [
        "--tls-ca",
        certificates.ca,
        "--tls-cert",
        certificates.client["cert"],
        "--tls-key",
        certificates.client["key"],
    ]
    async with encrypted(tmp_path, certificates, api_keys=KEYS, tls_client_ca=certificates.ca) as server:
        words = [PROGRAM, "graphs", "--address", server.address, *map(str, given)]
        listed, refused = await asyncio.gather(output(*words, GRAPHWIRE_API_KEY="second-key"), output(*words))

    assert (listed[0], listed[2]) == (0, "")
    assert "joke" in listed[1]
    assert (refused[0], refused[1]) == (1, "")
    assert refused[2].startswith("UNAUTHENTICATED: ")
    assert "--api-key" in refused[2]


async def test_the_console_says_what_may_be_missing(tmp_path: Path, certificates: Certificates) -> None:
    async with encrypted(tmp_path, certificates) as server:
        words = [PROGRAM, "graphs", "--address", server.address]
        plain, stranger = await asyncio.gather(output(*words), output(*words, "--tls"))

    assert (plain[0], "--tls" in plain[2]) == (1, True)
    assert (stranger[0], "--tls-ca" in stranger[2]) == (1, True)


async def test_what_is_shown_as_the_next_step_works_with_the_key(tmp_path: Path, certificates: Certificates) -> None:
    tls = ["--tls-cert", str(certificates.server["cert"]), "--tls-key", str(certificates.server["key"])]
    async with process(tmp_path, *tls, GRAPHWIRE_API_KEYS=",".join(KEYS)) as server:
        ready = await until(server.stdout, "graphwire ready: ")
        step = await until(server.stderr, " stream ")
        code, _, errors = await output(*[word.replace("KEY", KEYS[0]) for word in shlex.split(step)])

    assert re.fullmatch(r"graphwire ready: grpc 127\.0\.0\.1:\d+ http 127\.0\.0\.1:\d+", ready)
    assert not any(key in step for key in KEYS)
    assert (code, errors) == (0, "")


async def test_without_http_the_ready_line_names_grpc_alone(tmp_path: Path) -> None:
    async with process(tmp_path, "--no-http") as server:
        ready = await until(server.stdout, "graphwire ready: ")

    assert re.fullmatch(r"graphwire ready: grpc 127\.0\.0\.1:\d+", ready)
