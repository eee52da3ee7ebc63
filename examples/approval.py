"""A person decides: the run stops at a question, and goes on when the answer is there.

The answer is `{"approved": true}`, or `{"approved": false, "why": "..."}`.
"""

from typing import Any, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt


class PaymentState(TypedDict, total=False):
    to: str
    amount: int
    approved: bool
    result: str


async def check(state: PaymentState) -> dict[str, Any]:
    return {"result": f"{state['amount']} to {state['to']}: waiting for approval"}


async def ask(state: PaymentState) -> dict[str, Any]:
    # When the answer comes, this node runs again from its first line, and `interrupt` returns the answer.
    answer = interrupt({"question": f"Pay {state['amount']} to {state['to']}?"})
    return {"approved": answer["approved"], "result": answer.get("why", "")}


async def pay(state: PaymentState) -> dict[str, Any]:
    if not state["approved"]:
        return {"result": f"not paid: {state['result'] or 'no reason given'}"}
    return {"result": f"paid {state['amount']} to {state['to']}"}


graph = (
    StateGraph(PaymentState)
    .add_node(check)
    .add_node(ask)
    .add_node(pay)
    .add_edge(START, "check")
    .add_edge("check", "ask")
    .add_edge("ask", "pay")
    .add_edge("pay", END)
    .compile()
)
