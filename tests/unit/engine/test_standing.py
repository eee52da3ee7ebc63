"""Where a thread stands, by its frames."""

import asyncio
import threading
from pathlib import Path

from graphwire_server.engine.standing import standing
from tests.unit.engine.graphs import Bench, chain
from tests.unit.engine.isolated import Blocking, apart


async def test_a_node_on_its_loop_is_named_with_its_run_and_line() -> None:
    blocking = Blocking()
    async with apart(chain("a", "block", block=blocking.block)) as bench:
        run = bench.run_of()
        task = asyncio.create_task(bench.executor.execute(run, bench.append))
        await blocking.blocks()
        found = standing(next(t.ident or 0 for t in threading.enumerate() if t.name == "graphwire-loop-agent"))
        blocking.release.set()
        await task

    assert (found.run_id, found.node) == (run.run_id, "block")
    place, _, line = found.at.rpartition(":")
    assert place.endswith("tests/unit/engine/isolated.py")
    assert "self.release.wait" in _line(place, int(line))


def _line(path: str, number: int) -> str:
    return Path(path).read_text().splitlines()[number - 1]


async def test_what_is_between_nodes_names_the_run_alone() -> None:
    found = []
    bench = Bench(chain("a"))
    run = bench.run_of(stream_modes=("values",))

    await bench.executor.execute(run, lambda *_: found.append(standing(threading.get_ident())))

    assert {(one.run_id, one.node) for one in found} == {(run.run_id, "")}


def test_a_thread_that_is_gone_stands_nowhere() -> None:
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()

    found = standing(thread.ident or 0)

    assert (found.run_id, found.node, found.at) == ("", "", "")
