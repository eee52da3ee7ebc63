"""Assistants over HTTP.

Owns which call of the core each route of assistants is.
"""

from graphwire_server.core.assistants import Assistants
from graphwire_server.core.model import Assistant, Page
from graphwire_server.rest import answers
from graphwire_server.rest.assistant_requests import (
    AssistantBody,
    AssistantCountBody,
    AssistantPatch,
    AssistantSearchBody,
    VersionsBody,
)
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
        return _shown(await self._assistants.get(call.path["assistant_id"]))

    async def search(self, call: Call) -> Reply:
        """Lists assistants."""
        body: AssistantSearchBody = call.body
        found = await self._assistants.search(body.query(), body.page, body.sort, descending=body.sort_order == "desc")
        listed = [answers.selected(answers.assistant_json(each), body.select) for each in found[: body.limit]]
        return Answer(value=listed, headers=pagination(body.offset, body.limit, len(found)))

    async def count(self, call: Call) -> Reply:
        """Counts assistants."""
        body: AssistantCountBody = call.body
        return Answer(value=await self._assistants.count(body.query()))

    async def create(self, call: Call) -> Reply:
        """Creates an assistant."""
        body: AssistantBody = call.body
        made = await self._assistants.create(
            body.graph_id,
            assistant_id=body.assistant_id,
            name=body.name or "",
            description=body.description or "",
            config=None if body.config is None else body.config.config(),
            context=body.context,
            metadata=body.metadata,
            keep_existing=body.if_exists == "do_nothing",
        )
        return _shown(made)

    async def update(self, call: Call) -> Reply:
        """Makes a new version of an assistant."""
        body: AssistantPatch = call.body
        return _shown(await self._assistants.update(call.path["assistant_id"], body.change()))

    async def delete(self, call: Call) -> Reply:
        """Deletes an assistant; a graph's own stays (wire fact 78)."""
        await self._assistants.delete(call.path["assistant_id"], delete_threads=call.query.delete_threads)
        return Answer(status=204, empty=True)

    async def versions(self, call: Call) -> Reply:
        """Lists the versions of an assistant, the newest first."""
        body: VersionsBody = call.body
        page = Page(offset=body.offset, limit=body.limit)
        found = await self._assistants.versions(call.path["assistant_id"], page, body.metadata)
        return Answer(value=[answers.assistant_json(each) for each in found])

    async def set_latest(self, call: Call) -> Reply:
        """Makes a version the latest."""
        return _shown(await self._assistants.set_latest(call.path["assistant_id"], call.body.version))

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


def _shown(assistant: Assistant) -> Reply:
    return Answer(value=answers.assistant_json(assistant))
