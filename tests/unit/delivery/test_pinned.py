"""Names that stand for addresses, without a network."""

from collections.abc import Sequence
from typing import Any

import httpcore2
import pytest

from graphwire_server.core.webhooks import UrlPolicy
from graphwire_server.delivery.pinned import MOST_ADDRESSES, PinnedBackend, Refused, Unresolved


class Network(httpcore2.AsyncNetworkBackend):
    """Notes what it is to connect to; some addresses do not answer."""

    def __init__(self, *deaf: str) -> None:
        self.deaf = deaf
        self.called: list[tuple[str, int]] = []

    async def connect_tcp(self, host: str, port: int, *_: Any, **__: Any) -> httpcore2.AsyncNetworkStream:
        self.called.append((host, port))
        if host in self.deaf:
            raise httpcore2.ConnectError
        return httpcore2.AsyncNetworkStream()


def backend(network: Network, *answers: Sequence[str] | OSError, policy: UrlPolicy | None = None) -> PinnedBackend:
    """One whose resolver gives another answer each time that it is asked."""
    left = list(answers)

    async def resolve(host: str, port: int) -> Sequence[str]:
        answer = left.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer

    made = PinnedBackend(policy or UrlPolicy(), resolve)
    made._network = network  # type: ignore[assignment]  # what stands for a network
    return made


async def test_it_connects_to_the_address_and_not_to_the_name() -> None:
    network = Network()

    await backend(network, ["8.8.8.8"]).connect_tcp("example.com", 443)

    assert network.called == [("8.8.8.8", 443)]


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.1", "169.254.169.254", "224.0.0.1", "::1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "fe80::1%1"],
)
async def test_a_name_that_stands_for_what_may_not_be_called(address: str) -> None:
    network = Network()

    with pytest.raises(Refused) as refused:
        await backend(network, [address]).connect_tcp("example.com", 443)

    assert network.called == []
    assert address not in str(refused.value)


async def test_of_several_addresses_those_that_may_be_called_are() -> None:
    network = Network()

    await backend(network, ["10.0.0.1", "8.8.8.8"]).connect_tcp("example.com", 443)

    assert network.called == [("8.8.8.8", 443)]


async def test_an_address_that_does_not_answer_is_followed_by_the_next() -> None:
    network = Network("8.8.8.8")

    await backend(network, ["8.8.8.8", "8.8.4.4"]).connect_tcp("example.com", 443)

    assert [host for host, _ in network.called] == ["8.8.8.8", "8.8.4.4"]


async def test_not_all_of_very_many_are_tried() -> None:
    many = [f"8.8.8.{number}" for number in range(1, 20)]
    network = Network(*many)

    with pytest.raises(httpcore2.ConnectError):
        await backend(network, many).connect_tcp("example.com", 443)

    assert len(network.called) == MOST_ADDRESSES


@pytest.mark.parametrize("answer", [OSError("no such host"), []])
async def test_a_name_that_stands_for_nothing(answer: Sequence[str] | OSError) -> None:
    with pytest.raises(Unresolved):
        await backend(Network(), answer).connect_tcp("example.com", 443)


async def test_what_is_allowed() -> None:
    network = Network()

    await backend(network, ["127.0.0.1"], policy=UrlPolicy(allow_loopback=True)).connect_tcp("here.example", 80)

    assert network.called == [("127.0.0.1", 80)]


async def test_each_connection_is_judged_anew() -> None:
    """A name that stands for a good address first, and for this machine behind it."""
    network = Network()
    rebinding = backend(network, ["8.8.8.8"], ["127.0.0.1"])

    await rebinding.connect_tcp("example.com", 443)
    with pytest.raises(Refused):
        await rebinding.connect_tcp("example.com", 443)

    assert network.called == [("8.8.8.8", 443)]
