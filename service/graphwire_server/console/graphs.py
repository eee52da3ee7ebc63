"""The verbs `graphs` and `draw`.

Owns how the list of graphs looks; how a graph is drawn is in `drawing`.
"""

from typing import Annotated

import typer

import graphwire
from graphwire_server.console import options as o
from graphwire_server.console.drawing import draw_graph
from graphwire_server.console.screen import Screen
from graphwire_server.console.session import perform
from graphwire_server.console.target import Target

Xray = Annotated[int, typer.Option(min=0, max=100, help="Draw this many levels of subgraphs in place of their nodes.")]
Mermaid = Annotated[bool, typer.Option("--mermaid", help="Print Mermaid text instead.")]


@o.at_server
def graphs(
    *,
    as_json: o.AsJson = False,
    target: Target,
) -> None:
    """List the graphs and assistants that the server runs."""

    async def work(client: graphwire.Client, screen: Screen) -> int:
        found = [assistant async for assistant in client.assistants.search()]
        if screen.as_json:
            for assistant in found:
                screen.json_line(assistant)
            return 0
        screen.columns(("ASSISTANT", "GRAPH", "DESCRIPTION"), [_row(assistant) for assistant in found])
        return 0

    perform(target, work, as_json=as_json)


def _row(assistant: graphwire.Assistant) -> tuple[str, str, str]:
    """An assistant as a line, the first word of which other verbs take: a graph's own by its name, others by their id."""
    if assistant.metadata.get("created_by") == "system":
        return assistant.name, assistant.graph_id, assistant.description or assistant.name
    told = f"{assistant.name}: {assistant.description}" if assistant.description else assistant.name
    return assistant.assistant_id, assistant.graph_id, told


@o.at_server
def draw(
    assistant: o.Assistant,
    *,
    xray: Xray = 0,
    mermaid: Mermaid = False,
    as_json: o.AsJson = False,
    target: Target,
) -> None:
    """Draw a graph: boxes for nodes, dashed lines for edges that a condition decides."""

    async def work(client: graphwire.Client, screen: Screen) -> int:
        graph = await client.assistants.graph(assistant, xray=xray)
        if screen.as_json:
            screen.json_line(graph)
        elif mermaid:
            screen.line(graph.mermaid.rstrip())
        else:
            unicode = screen.out.encoding.lower().replace("-", "").startswith("utf")
            screen.line(draw_graph(graph, unicode=unicode))
        return 0

    perform(target, work, as_json=as_json)
