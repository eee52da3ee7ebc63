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
        own = [a.name if a.metadata.get("created_by") == "system" else a.assistant_id for a in found]
        rows = [(name, a.graph_id, a.description or a.name) for name, a in zip(own, found, strict=True)]
        screen.columns(("ASSISTANT", "GRAPH", "DESCRIPTION"), rows)
        return 0

    perform(target, work, as_json=as_json)


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
