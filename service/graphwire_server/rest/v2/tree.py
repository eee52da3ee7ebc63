"""The subgraphs of a run as a tree.

Owns the answer to `agent.getTree`: which subgraphs a run has, and what has become of each, from the lifecycle envelopes that are held.
"""

from collections.abc import Iterable
from typing import Any

from graphwire_server.core.threads import Threads
from graphwire_server.rest.v2.envelopes import Envelope
from graphwire_server.rest.v2.tape import Tape

MOST_NODES = 1000
"""The most subgraphs of a tree, the first ones."""

Tree = dict[str, Any]


async def tree_of(threads: Threads, thread_id: str, run_id: str | None) -> Tree | None:
    """The tree of a run, or of the newest run of the thread; None where nothing of it is held. Raises ThreadNotFound."""
    found: list[Envelope] = []
    newest_run = run_id
    async with threads.watch_whole(thread_id, None) as (newest, batches):
        if batches.after_seq >= newest:
            return None
        tape = Tape()
        async for batch in batches:
            for event in batch:
                if run_id is None and event.run_id != newest_run:
                    newest_run, found = event.run_id, []
                made = [each.envelope for each in tape.envelopes(event) if each.envelope.channel == "lifecycle"]
                if event.run_id == newest_run:
                    found.extend(made)
            if batch[-1].seq >= newest:
                break
    return tree(found)


def tree(lifecycle: Iterable[Envelope]) -> Tree | None:
    """The tree that lifecycle envelopes of one run tell of; None where they do not tell of the root."""
    nodes: dict[tuple[str, ...], Tree] = {}
    for envelope in lifecycle:
        path, data = envelope.namespace, envelope.data
        node = nodes.get(path)
        if node is None:
            if len(nodes) >= MOST_NODES or (path and path[:-1] not in nodes):
                continue
            node = nodes[path] = {
                "namespace": path,
                "status": "",
                "graph_name": data.get("graph_name", ""),
                "children": [],
            }
            if path:
                nodes[path[:-1]]["children"].append(node)
        node["status"] = data["event"]
    return nodes.get(())
