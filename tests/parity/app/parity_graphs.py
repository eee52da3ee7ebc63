"""Graphs whose runs are the same each time, so that two transports can be held against each other."""

from __future__ import annotations

import asyncio
import operator
import socket
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, TypedDict

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import tool
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command, Send, interrupt


# -- story: two nodes, one after the other ------------------------------------------------------
class Story(TypedDict, total=False):
    topic: str
    text: str


async def refine(state: Story):
    get_stream_writer()({"refines": state["topic"]})
    return {"topic": state["topic"] + " and cats"}


async def tell(state: Story):
    return {"text": f"这是一个关于 {state['topic']} 的笑话"}


story = StateGraph(Story).add_node(refine).add_node(tell).add_edge(START, "refine").add_edge("refine", "tell").compile()


# -- nested: a graph in a graph in a graph, with a writer and a question on the lowest level -----
class Nested(TypedDict, total=False):
    foo: str
    asks: bool


async def deep_one(state: Nested):
    get_stream_writer()({"from": "deep"})
    if state.get("asks"):
        return {"foo": state["foo"] + interrupt({"question": "go deeper?"})}
    return {"foo": state["foo"] + "deep"}


async def middle_one(state: Nested):
    return {"foo": state["foo"] + "middle "}


async def top(state: Nested):
    return {"foo": "top " + state["foo"]}


_deep = StateGraph(Nested).add_node(deep_one).add_edge(START, "deep_one").compile()
_middle = StateGraph(Nested).add_node(middle_one).add_node("deep", _deep)
_middle = _middle.add_edge(START, "middle_one").add_edge("middle_one", "deep").compile()
nested = StateGraph(Nested).add_node(top).add_node("middle", _middle)
nested = nested.add_edge(START, "top").add_edge("top", "middle").compile()


# -- chat: a model that streams word by word, and calls a tool when asked -----------------------
class Scripted(BaseChatModel):
    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _get_ls_params(self, stop=None, **kwargs: Any):
        return {"ls_provider": "scripted", "ls_model_name": "scripted-1", "ls_model_type": "chat"}

    def _chunks(self, messages):
        last, mid = messages[-1], f"answer-{len(messages)}"
        if last.type == "human" and "tool" in str(last.content):
            for index, part in enumerate(('{"que', 'ry": "wea', 'ther"}')):
                named = {"name": "lookup", "id": "call_1"} if index == 0 else {"name": None, "id": None}
                piece = {**named, "args": part, "index": 0, "type": "tool_call_chunk"}
                yield AIMessageChunk(content="", id=mid, tool_call_chunks=[piece])
            return
        words = f"echo: {last.content}".split(" ")
        for word in words[:-1]:
            yield AIMessageChunk(content=word + " ", id=mid)
        details = {"input_token_details": {"cache_read": 2}}
        usage = {"input_tokens": 3, "output_tokens": len(words), "total_tokens": 3 + len(words), **details}
        yield AIMessageChunk(
            content=words[-1], id=mid, usage_metadata=usage, response_metadata={"finish_reason": "stop"}
        )

    def _generate(self, messages, stop=None, run_manager=None, **kwargs: Any) -> ChatResult:
        total = None
        for chunk in self._chunks(messages):
            total = chunk if total is None else total + chunk
        return ChatResult(generations=[ChatGeneration(message=AIMessage(**total.model_dump(exclude={"type"})))])

    async def _astream(self, messages, stop=None, run_manager=None, **kwargs: Any):
        for chunk in self._chunks(messages):
            part = ChatGenerationChunk(message=chunk)
            if run_manager:
                await run_manager.on_llm_new_token(str(chunk.content), chunk=part)
            yield part


async def agent(state: MessagesState):
    return {"messages": [await Scripted().with_config(tags=["answer"]).ainvoke(state["messages"])]}


async def tools(state: MessagesState):
    call = state["messages"][-1].tool_calls[0]
    found = f"looked up {call['args']['query']}"
    return {
        "messages": [ToolMessage(content=found, tool_call_id=call["id"], name="lookup", id="tool-1", artifact={"n": 1})]
    }


def route(state: MessagesState):
    return "tools" if getattr(state["messages"][-1], "tool_calls", None) else END


chat = StateGraph(MessagesState).add_node(agent).add_node(tools).add_edge(START, "agent")
chat = chat.add_conditional_edges("agent", route, ["tools", END]).add_edge("tools", "agent").compile()


# -- blocks: messages whose content is a list, with thoughts and what is neither ------------------
class Thinking(Scripted):
    def _chunks(self, messages):
        image = {"type": "image", "url": "https://example.org/a.png", "index": 1}
        for block in (
            {"type": "reasoning", "reasoning": "hm", "index": 0},
            image,
            {"type": "text", "text": "so", "index": 2},
        ):
            yield AIMessageChunk(content=[block], id="thought")
        yield AIMessageChunk(content="", id="thought", additional_kwargs={"reasoning_content": "aha", "other": 1})


async def think(state: MessagesState):
    whole = AIMessage(
        content="called", id="whole", tool_calls=[{"id": "call_2", "name": "lookup", "args": {"query": "x"}}]
    )
    return {
        "messages": [await Thinking().ainvoke(state["messages"]), HumanMessage("indeed", id="said", name="ada"), whole]
    }


blocks = StateGraph(MessagesState).add_node(think).add_edge(START, "think").compile()


# -- approval: stops for a person -----------------------------------------------------------------
class Approval(TypedDict, total=False):
    request: str
    decision: str
    log: Annotated[list[str], operator.add]


async def prepare(state: Approval):
    return {"log": ["prepared"]}


async def ask(state: Approval):
    return {"decision": interrupt({"question": f"approve {state['request']}?"}), "log": ["asked"]}


async def act(state: Approval):
    return {"log": [f"acted on {state['decision']}"]}


approval = StateGraph(Approval).add_node(prepare).add_node(ask).add_node(act).add_edge(START, "prepare")
approval = approval.add_edge("prepare", "ask").add_edge("ask", "act").compile()


# -- pair: two questions at once ------------------------------------------------------------------
ANSWER = {"type": "object", "properties": {"ok": {"type": "boolean"}}}


async def left(state: Approval):
    return {"log": [f"left {interrupt('left?', response_schema=ANSWER)}"]}


async def right(state: Approval):
    return {"log": [f"right {interrupt('right?')}"]}


pair = StateGraph(Approval).add_node(left).add_node(right).add_edge(START, "left").add_edge(START, "right").compile()


# -- failing, secret: one good step, then an exception that may or may not be told ------------------
class Fails(TypedDict, total=False):
    a: int


async def good(state: Fails):
    return {"a": 1}


async def bad(state: Fails):
    raise ValueError("this node always fails")


class SecretError(Exception):
    pass


async def leaky(state: Fails):
    raise SecretError("password")


failing = StateGraph(Fails).add_node(good).add_node(bad).add_edge(START, "good").add_edge("good", "bad").compile()
secret = StateGraph(Fails).add_node(leaky).add_edge(START, "leaky").compile()


# -- context: configurable and runtime context ----------------------------------------------------
@dataclass
class Tone:
    tone: str = "plain"


class Seen(TypedDict, total=False):
    seen: dict


async def read(state: Seen, config: RunnableConfig, runtime: Runtime[Tone]):
    configurable = config["configurable"]
    names = ("tone", "user", "x-caller")
    return {
        "seen": {
            "tone": runtime.context.tone if runtime.context else None,
            "configurable": {name: configurable.get(name) for name in names},
            "tags": sorted(config.get("tags") or ()),
            "metadata": {name: (config.get("metadata") or {}).get(name) for name in ("origin",)},
        }
    }


context = StateGraph(Seen, context_schema=Tone).add_node(read).add_edge(START, "read").compile()


# -- odd: values that JSON does not know, nodes that return little ----------------------------------
class Odd(TypedDict, total=False):
    big: int
    bits: Any


async def strange(state: Odd):
    get_stream_writer()("plain text")
    get_stream_writer()(None)
    return {"big": 2**53 + 1, "bits": [b"\x00\xff", {1}, Decimal("1.5"), timedelta(seconds=2), float("nan"), "a\u0000b"]}


async def silent(state: Odd):
    return None


odd = StateGraph(Odd).add_node(strange).add_node("si lent", silent)
odd = odd.add_edge(START, "strange").add_edge("strange", "si lent").compile()


# -- fanout: map and reduce ------------------------------------------------------------------------
class Fan(TypedDict, total=False):
    items: list[str]
    out: Annotated[list[str], operator.add]


async def split(state: Fan):
    return {}


async def each(state: dict):
    return {"out": [state["item"].upper()]}


fanout = StateGraph(Fan).add_node(split).add_node("each", each).add_edge(START, "split")
fanout = fanout.add_conditional_edges(
    "split", lambda state: [Send("each", {"item": item}) for item in state["items"]], ["each"]
).compile()


# -- loop: goes round by command --------------------------------------------------------------------
class Loop(TypedDict, total=False):
    count: int
    until: int


async def bump(state: Loop):
    count = state.get("count", 0) + 1
    return Command(update={"count": count}, goto="bump" if count < state.get("until", 3) else END)


loop = StateGraph(Loop).add_node("bump", bump, destinations=("bump", END)).add_edge(START, "bump").compile()


# -- gate: tells the test that it runs, and goes on when the test says so -----------------------------
class Gated(TypedDict, total=False):
    port: int
    name: str
    trail: Annotated[list[str], operator.add]


async def knock(state: Gated):
    get_stream_writer()({"knocks": state["name"]})
    return {"trail": ["knocked"]}


async def wait(state: Gated):
    reader, writer = await asyncio.open_connection("127.0.0.1", state["port"])
    try:
        writer.write(state["name"].encode() + b"\n")
        await reader.readexactly(1)
    finally:
        writer.close()
    get_stream_writer()({"passes": state["name"]})
    return {"trail": ["passed"]}


gate = StateGraph(Gated).add_node(knock).add_node(wait).add_edge(START, "knock").add_edge("knock", "wait").compile()


# -- stubborn: stands at the gate in a thread, which nothing can stop -----------------------------------
def stay(state: Gated):
    with socket.create_connection(("127.0.0.1", state["port"])) as line:
        line.sendall(state["name"].encode() + b"\n")
        line.recv(1)
    return {"trail": ["stayed"]}


stubborn = StateGraph(Gated).add_node(stay).add_edge(START, "stay").compile()


# -- looking: a node that calls a tool ----------------------------------------------------------
class Looking(TypedDict, total=False):
    query: str
    found: str


@tool
async def lookup(query: str) -> str:
    """Looks something up."""
    return f"looked up {query}"


async def look(state: Looking):
    return {"found": await lookup.ainvoke({"query": state["query"]})}


looking = StateGraph(Looking).add_node(look).add_edge(START, "look").compile()


# -- loud: more bytes of events than a small server holds, in rounds. A run that writes its checkpoints synchronously goes no faster than the store. --
class Loud(TypedDict, total=False):
    n: int
    pad: int
    rounds: int
    round: int


async def shout(state: Loud):
    write, pad, done = get_stream_writer(), "x" * state["pad"], state.get("round", 0) + 1
    for index in range(state["n"]):
        write({"i": index, "pad": pad})
    return Command(update={"round": done}, goto="shout" if done < state["rounds"] else END)


loud = StateGraph(Loud).add_node("shout", shout, destinations=("shout", END)).add_edge(START, "shout").compile()
