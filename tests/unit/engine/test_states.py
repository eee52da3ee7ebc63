"""States of threads, read and written through their graph."""

import json
from typing import Any

import pytest

from graphwire_server.core.errors import InvalidField
from graphwire_server.core.model import CheckpointRef, Command, Goto, StateUpdate, ThreadState
from tests.unit.engine.graphs import THREAD, Bench, ask, chain

LATEST = CheckpointRef()
UNKNOWN = CheckpointRef(checkpoint_id="018f2d3c-0a6b-6c1e-9b1a-2f6f1c3b5a7d")


async def get(bench: Bench, at: CheckpointRef = LATEST, *, subgraphs: bool = False) -> ThreadState:
    state = await bench.states.get("agent", THREAD, at, subgraphs=subgraphs)
    assert state is not None
    return state


async def history(bench: Bench, **wanted: Any) -> list[ThreadState]:
    asked: dict[str, Any] = {"ns": "", "before": None, "metadata": {}, "limit": 10, **wanted}
    return list(await bench.states.history("agent", THREAD, **asked))


async def test_a_thread_without_checkpoints_has_an_empty_state() -> None:
    state = await get(Bench(chain("a")))

    assert (state.checkpoint, state.next, state.created_at) == (None, (), None)


async def test_the_latest_state() -> None:
    bench = Bench(chain("a"))
    outcome = await bench.run()

    state = await get(bench)

    assert json.loads(state.values) == {"seen": ["in", "a"]}
    assert state.checkpoint == CheckpointRef(checkpoint_id=outcome.checkpoint_id)
    assert state.parent_checkpoint is not None
    assert state.created_at is not None
    assert state.next == ()


async def test_an_earlier_state_and_an_unknown_one() -> None:
    bench = Bench(chain("a"))
    await bench.run()
    parent = (await get(bench)).parent_checkpoint
    assert parent is not None

    state = await get(bench, parent)

    assert (json.loads(state.values), state.next) == ({"seen": ["in"]}, ("a",))
    assert await bench.states.get("agent", THREAD, UNKNOWN, subgraphs=False) is None


async def test_what_waits_is_told_by_task() -> None:
    bench = Bench(chain("ask", ask=ask))
    outcome = await bench.run()

    state = await get(bench)

    assert (state.next, state.interrupts, state.tasks[0].name) == (("ask",), outcome.interrupts, "ask")
    assert state.tasks[0].interrupts == outcome.interrupts


async def test_the_states_of_subgraphs_are_nested_where_asked() -> None:
    bench = Bench(chain("sub", sub=chain("ask", ask=ask)))
    await bench.run()

    plain, nested = (await get(bench)).tasks[0], (await get(bench, subgraphs=True)).tasks[0]

    assert plain.checkpoint is not None
    assert plain.checkpoint.checkpoint_ns.startswith("sub:")
    assert nested.state is not None
    assert nested.state.next == ("ask",)


async def test_an_update_is_as_if_the_node_had_returned_it() -> None:
    bench = Bench(chain("a", "b"))
    await bench.run(interrupt_before=("a",))

    made = await bench.states.update("agent", THREAD, LATEST, {"seen": ["by hand"]}, "a")

    state = await get(bench)
    assert state.checkpoint is not None
    assert state.checkpoint.checkpoint_id == made.checkpoint_id
    assert (json.loads(state.values), state.next) == ({"seen": ["in", "by hand"]}, ("b",))


async def test_an_unknown_node_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(InvalidField, match="a, b") as refused:
        await Bench(chain("a", "b")).states.update("agent", THREAD, LATEST, {}, "nobody")

    assert refused.value.field == "as_node"


async def test_values_that_the_graph_does_not_take_are_refused() -> None:
    bench = Bench(chain("a"))
    await bench.run()

    with pytest.raises(InvalidField) as refused:
        await bench.states.update("agent", THREAD, LATEST, "text", "a")

    assert refused.value.field == "values"


async def test_history_is_the_newest_first_and_pages() -> None:
    bench = Bench(chain("a", "b"))
    await bench.run()

    whole = await history(bench)
    first = await history(bench, limit=2)
    last = first[-1].checkpoint
    assert last is not None
    rest = await history(bench, before=last.checkpoint_id)

    assert [len(json.loads(state.values).get("seen", ())) for state in whole] == [3, 2, 1, 0]
    assert [*first, *rest] == whole


async def test_history_by_metadata() -> None:
    bench = Bench(chain("a", "b"))
    await bench.run()

    found = await history(bench, metadata={"source": "input"})

    assert len(found) == 1
    assert json.loads(found[0].metadata)["step"] == -1


async def test_metadata_has_no_internals() -> None:
    bench = Bench(chain("a"))
    await bench.run()

    assert not any(key.startswith("__") for key in json.loads((await get(bench)).metadata))


async def test_a_history_is_written_superstep_by_superstep() -> None:
    bench = Bench(chain("a", "b"))

    await bench.states.bulk_update(
        "agent",
        THREAD,
        [
            [StateUpdate(values={"seen": ["in"]}, as_node="__input__")],
            [StateUpdate(values={"seen": ["in"]}, as_node="__start__")],
            [StateUpdate(values={"seen": ["mine"]}, as_node="a")],
        ],
    )

    state = await bench.states.get("agent", THREAD, CheckpointRef(), subgraphs=False)
    history = await bench.states.history("agent", THREAD, ns="", before=None, metadata={}, limit=10)
    assert state is not None
    assert (json.loads(state.values)["seen"], state.next) == (["in", "mine"], ("b",))
    assert len(history) == 3


async def test_a_superstep_may_be_a_command() -> None:
    bench = Bench(chain("a", "b"))
    command = Command(update={"seen": ["told"]}, goto=(Goto(node="b"),))

    await bench.states.bulk_update("agent", THREAD, [[StateUpdate(command=command, as_node="a")]])

    state = await bench.states.get("agent", THREAD, CheckpointRef(), subgraphs=False)
    assert state is not None
    assert (json.loads(state.values)["seen"], state.next) == (["told"], ("b",))


@pytest.mark.parametrize(
    ("updates", "field"),
    [
        ([[StateUpdate(values={}, as_node="nowhere")]], "supersteps[0].updates[0].as_node"),
        ([[StateUpdate(values=5, as_node="a")]], "supersteps"),
    ],
)
async def test_supersteps_that_the_graph_does_not_take_are_refused(
    updates: list[list[StateUpdate]], field: str
) -> None:
    bench = Bench(chain("a", "b"))

    with pytest.raises(InvalidField) as refused:
        await bench.states.bulk_update("agent", THREAD, updates)

    assert (refused.value.field, refused.value.http_status) == (field, 400)
