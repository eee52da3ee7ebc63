"""What the memory saver remembers of runs."""

from uuid import UUID

from langgraph.types import Command

from graphwire_server.engine.request import graph_config
from graphwire_server.storage.memory.assistants import MemoryAssistants
from graphwire_server.storage.memory.saver import MemorySaver
from graphwire_server.storage.memory.store import MemoryStore
from tests.storage.suite.engine import Engine
from tests.storage.suite.undo import asking, begun, bound, whole_run


def engine_of(saver: MemorySaver) -> Engine:
    store, assistants = MemoryStore(saver), MemoryAssistants()
    return Engine(
        store=store,
        crons=store.crons,
        deliveries=store.deliveries,
        assistants=assistants,
        saver=saver,
        last=saver,
        bound=saver.for_run,
        pruner=store,
    )


async def test_what_a_run_changes_is_remembered_until_its_end() -> None:
    saver = MemorySaver()
    engine = engine_of(saver)
    await whole_run(engine, 1, asking, {"steps": ["start"]})
    value = await begun(engine, 2)

    await asking(bound(engine, value)).ainvoke(Command(resume="yes"), graph_config(value))

    assert set(saver._preserved) == {str(UUID(int=2))}


async def test_a_run_that_has_ended_is_no_longer_remembered() -> None:
    saver = MemorySaver()
    engine = engine_of(saver)

    await whole_run(engine, 1, asking, {"steps": ["start"]})
    await whole_run(engine, 2, asking, Command(resume="yes"))

    assert saver._preserved == {}


async def test_an_unbound_saver_remembers_nothing() -> None:
    saver = MemorySaver()
    engine = engine_of(saver)
    value = await begun(engine, 1)

    await asking(engine).ainvoke({"steps": ["start"]}, graph_config(value))

    assert saver._preserved == {}
