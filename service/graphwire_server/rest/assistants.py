"""Assistants over HTTP.

Owns which call of the core each route of assistants is.
"""

from graphwire_server.core.assistants import Assistants
from graphwire_server.core.errors import NotOffered
from graphwire_server.rest import answers
from graphwire_server.rest.assistant_requests import AssistantCountBody, AssistantSearchBody, VersionsBody
from graphwire_server.rest.calls import Answer, Call, Reply
from graphwire_server.rest.threads import pagination


class AssistantRoutes:
    """The operations of assistants.

    Args:
        assistants: The assistants of this server.
    """

    def __init__(self, assistants: Assistants) -> None:
        self._assistants = assistants

    async def get(self, call: Call) -> Reply:
        """Returns an assistant."""
        return Answer(value=answers.assistant_json(self._assistants.get(call.path["assistant_id"])))

    async def search(self, call: Call) -> Reply:
        """Lists assistants."""
        body: AssistantSearchBody = call.body
        found = self._assistants.search(
            graph_id=body.graph_id or "",
            name=body.name or "",
            metadata=body.metadata,
            sort=body.sort_by or "name",
            descending=body.sort_order == "desc",
        )
        page = found[body.offset : body.offset + body.limit + 1]
        listed = [answers.selected(answers.assistant_json(each), body.select) for each in page[: body.limit]]
        return Answer(value=listed, headers=pagination(body.offset, body.limit, len(page)))

    async def count(self, call: Call) -> Reply:
        """Counts assistants."""
        body: AssistantCountBody = call.body
        found = self._assistants.search(graph_id=body.graph_id or "", name=body.name or "", metadata=body.metadata)
        return Answer(value=len(found))

    async def create(self, call: Call) -> Reply:
        """Not offered yet."""
        raise NotOffered("creating assistants")

    async def update(self, call: Call) -> Reply:
        """Not offered yet."""
        raise NotOffered("changing assistants")

    async def delete(self, call: Call) -> Reply:
        """Deletes an assistant; a graph's own stays (wire fact 78)."""
        self._assistants.delete(call.path["assistant_id"])
        return Answer(status=204, empty=True)

    async def versions(self, call: Call) -> Reply:
        """Lists the versions of an assistant, the newest first."""
        body: VersionsBody = call.body
        found = self._assistants.versions(call.path["assistant_id"])
        matching = [
            each
            for each in found
            if all(each.metadata.get(key) == value for key, value in (body.metadata or {}).items())
        ]
        page = matching[body.offset : body.offset + body.limit]
        return Answer(value=[answers.assistant_json(each) for each in page])

    async def set_latest(self, call: Call) -> Reply:
        """Makes a version the latest."""
        return Answer(
            value=answers.assistant_json(self._assistants.set_latest(call.path["assistant_id"], call.body.version))
        )

    async def draw(self, call: Call) -> Reply:
        """Returns an assistant's graph: nodes and edges."""
        drawing = await self._assistants.draw(call.path["assistant_id"], call.query.levels())
        return Answer(value=answers.drawing_json(drawing))

    async def schemas(self, call: Call) -> Reply:
        """Returns the JSON Schemas of an assistant's graph."""
        return Answer(value=answers.schemas_json(await self._assistants.schemas(call.path["assistant_id"])))

    async def subgraphs(self, call: Call) -> Reply:
        """Returns the graphs inside an assistant's graph, by namespace."""
        found = await self._assistants.subgraphs(
            call.path["assistant_id"], call.path.get("namespace", ""), call.query.recurse
        )
        return Answer(value=answers.subgraphs_json(found))
