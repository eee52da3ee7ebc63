"""The guard names what grew."""

import pytest

from bench import guard
from bench.guard import Cost


def cost(name: str, server: float, limit: float) -> Cost:
    return Cost(name=name, server=server, bare=1e-6, limit=limit)


def exit_code(monkeypatch: pytest.MonkeyPatch, *costs: Cost) -> int:
    async def measure() -> list[Cost]:
        return list(costs)

    monkeypatch.setattr(guard, "measure", measure)
    return guard.main()


def test_what_is_within_its_limit_passes(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(monkeypatch, cost("a token over gRPC", 2e-6, limit=2.0)) == 0

    assert "GREW" not in capsys.readouterr().out


def test_what_is_over_its_limit_fails_by_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code = exit_code(monkeypatch, cost("a token over gRPC", 3e-6, limit=2.0), cost("a run over HTTP", 1e-6, limit=2.0))

    assert code == 1
    told = capsys.readouterr().out.splitlines()
    assert told[-1] == "a token over gRPC costs 3.00 times the bare graph; the limit is 2"
    assert not any("a run over HTTP costs" in line for line in told)
