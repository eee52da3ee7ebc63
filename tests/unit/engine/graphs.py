"""Small graphs, and what executes them."""

import operator
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Annotated, Any, TypedDict

from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt

from graphwire_server.core.events import Payload
from graphwire_server.core.model import Assistant, GraphInfo, Outcome, Run, RunSpec, RunStatus
from graphwire_server.core.ports import Executor
from graphwire_server.engine.catalogue import Catalogue
from graphwire_server.engine.execution import GraphExecutor, Savers
from graphwire_server.engine.states import GraphStates
from graphwire_server.storage.memory.saver import MemorySaver

THREAD = "018f2d3c-0a6b-7c1e-9b1a-2f6f1c3b5a7d"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class State(TypedDict, total=False):
    seen: Annotated[list[str], operator.add]


def own(graph_id: str, **changes: Any) -> Assistant:
    """An assistant of a graph."""
    made = Assistant(assistant_id=THREAD, graph_id=graph_id, name=graph_id, created_at=NOW, updated_at=NOW)
    return replace(made, **changes)


def step(name: str) -> Any:
    def node(state: State) -> State:
        return {"seen": [name]}

    return node


def chain(*names: str, **nodes: Any) -> Any:
    """A graph of nodes in a row, that note that they ran; or do what `nodes` says."""
    builder = StateGraph(State)
    before = START
    for name in names:
        builder.add_node(name, nodes.get(name) or step(name))
        builder.add_edge(before, name)
        before = name
    return builder.add_edge(before, END).compile()


def ask(state: State) -> State:
    return {"seen": [str(interrupt({"question": "sure?"}))]}


def speak(state: State) -> State:
    model = GenericFakeChatModel(messages=iter([AIMessage("one two", id="m")]))
    return {"seen": [str(model.invoke("go").content)]}


def tell(name: str) -> Any:
    def node(state: State) -> State:
        get_stream_writer()({"from": name})
        return {"seen": [name]}

    return node


@dataclass
class Bench:
    """An executor and the states for one graph, and the events of its last run."""

    graph: Any
    saver: MemorySaver = field(default_factory=MemorySaver)
    events: list[tuple[tuple[str, ...], Payload]] = field(default_factory=list)
    runs: int = 0
    lingering: Callable[[str], tuple[str, ...]] = lambda _: ()

    def __post_init__(self) -> None:
        catalogue = Catalogue([(GraphInfo(graph_id="agent"), self.graph)])
        savers = Savers(
            of_run=lambda _: self.saver, last_checkpoint_id=self.saver.last_checkpoint_id, ephemeral=MemorySaver
        )
        self.executor: Executor = GraphExecutor(catalogue, savers, self.lingering)
        self.states = GraphStates(catalogue, self.saver)

    def append(self, namespace: tuple[str, ...], payload: Payload, weight: int) -> None:
        assert weight > 0
        self.events.append((namespace, payload))

    def run_of(self, **fields: Any) -> Run:
        self.runs += 1
        spec = RunSpec(assistant="agent", thread_id=THREAD)
        if "command" not in fields and "checkpoint" not in fields:
            spec = replace(spec, has_input=True, input={"seen": ["in"]})
        spec = replace(spec, **fields)
        return Run(
            run_id=f"018f2d3c-0a6b-7c1e-9b1a-{self.runs:012x}",
            thread_id=THREAD,
            assistant_id="assistant",
            graph_id="agent",
            status=RunStatus.RUNNING,
            created_at=NOW,
            updated_at=NOW,
            spec=spec,
        )

    async def run(self, *modes: str, **fields: Any) -> Outcome:
        """Executes a run; `events` are its events afterwards."""
        self.events.clear()
        return await self.executor.execute(self.run_of(stream_modes=modes or ("values",), **fields), self.append)

    async def again(self, run: Run) -> Outcome:
        """Goes on with a run whose process died, as its next attempt."""
        self.events.clear()
        return await self.executor.execute(replace(run, attempt=run.attempt + 1), self.append, goes_on=True)

    @property
    def payloads(self) -> list[Any]:
        return [payload for _, payload in self.events]
