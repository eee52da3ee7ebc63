import pytest
from google.protobuf import descriptor_pool

from graphwire.v1 import run_service_pb2
from graphwire_server.rpc.symbols import Symbols

SYMBOLS = Symbols(descriptor_pool.Default())


@pytest.mark.parametrize(
    "symbol",
    ["graphwire.v1.RunService", "graphwire.v1.RunService.JoinRun", "graphwire.v1.JoinRunRequest"],
)
def test_services_methods_and_messages_are_found(symbol: str) -> None:
    assert SYMBOLS.FindFileContainingSymbol(symbol) is run_service_pb2.DESCRIPTOR


@pytest.mark.parametrize("symbol", ["", "graphwire.v1.RunService.", "graphwire.v1.RunService.NoSuch", "no.such.Name"])
def test_what_is_not_there_is_not_found(symbol: str) -> None:
    with pytest.raises(KeyError):
        SYMBOLS.FindFileContainingSymbol(symbol)


def test_all_else_is_the_pools() -> None:
    assert SYMBOLS.FindFileByName("graphwire/v1/json.proto").package == "graphwire.v1"
