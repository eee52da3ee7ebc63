"""AssistantService: assistants and their graphs over gRPC.

Owns which call of the core each RPC is.
"""

from graphwire.v1 import assistant_pb2
from graphwire.v1 import assistant_service_pb2 as pb
from graphwire.v1.json_pb2 import PayloadFormat
from graphwire_server.core.assistant_store import AssistantChange, AssistantQuery, AssistantSort
from graphwire_server.core.assistants import Assistants
from graphwire_server.core.model import Assistant
from graphwire_server.rpc import pages, requests
from graphwire_server.rpc.answers import write_assistant, write_schemas
from graphwire_server.rpc.json_carrier import fill_text, filler, parse_object

_SORTS = {
    assistant_pb2.ASSISTANT_SORT_UNSPECIFIED: AssistantSort.NAME,
    assistant_pb2.ASSISTANT_SORT_NAME: AssistantSort.NAME,
    assistant_pb2.ASSISTANT_SORT_CREATE_TIME: AssistantSort.CREATED_AT,
    assistant_pb2.ASSISTANT_SORT_UPDATE_TIME: AssistantSort.UPDATED_AT,
    assistant_pb2.ASSISTANT_SORT_GRAPH_ID: AssistantSort.GRAPH_ID,
    assistant_pb2.ASSISTANT_SORT_ASSISTANT_ID: AssistantSort.ASSISTANT_ID,
}


class AssistantService:
    """The RPCs of AssistantService.

    Args:
        assistants: The assistants of this server.
    """

    def __init__(self, assistants: Assistants) -> None:
        self._assistants = assistants

    async def get_assistant(self, request: pb.GetAssistantRequest) -> pb.GetAssistantResponse:
        """Returns an assistant."""
        found = await self._assistants.get(request.assistant_id)
        return pb.GetAssistantResponse(assistant=_assistant(found, request.payload_format))

    async def search_assistants(self, request: pb.SearchAssistantsRequest) -> pb.SearchAssistantsResponse:
        """Lists assistants."""
        page = pages.page(request.page_size, request.page_token)
        sort = requests.choose("sort_by", _SORTS, request.sort_by)
        found = await self._assistants.search(_query(request), page, sort, descending=request.descending)
        answer = pb.SearchAssistantsResponse(next_page_token=pages.next_token(page, len(found)))
        answer.assistants.extend(_assistant(each, request.payload_format) for each in found)
        return answer

    async def count_assistants(self, request: pb.CountAssistantsRequest) -> pb.CountAssistantsResponse:
        """Counts assistants."""
        return pb.CountAssistantsResponse(count=await self._assistants.count(_query(request)))

    async def create_assistant(self, request: pb.CreateAssistantRequest) -> pb.CreateAssistantResponse:
        """Creates an assistant."""
        given = request.HasField
        made = await self._assistants.create(
            request.graph_id,
            assistant_id=request.assistant_id if given("assistant_id") else None,
            name=request.name,
            description=request.description,
            config=requests.run_config("config", request.config) if given("config") else None,
            context=parse_object("context", request.context) if given("context") else None,
            metadata=parse_object("metadata", request.metadata) if given("metadata") else None,
            keep_existing=requests.choose("if_exists", requests.IF_EXISTS, request.if_exists),
        )
        return pb.CreateAssistantResponse(assistant=_assistant(made, request.payload_format))

    async def update_assistant(self, request: pb.UpdateAssistantRequest) -> pb.UpdateAssistantResponse:
        """Makes a new version of an assistant."""
        given = request.HasField
        change = AssistantChange(
            graph_id=request.graph_id if given("graph_id") else None,
            name=request.name if given("name") else None,
            description=request.description if given("description") else None,
            config=requests.run_config("config", request.config) if given("config") else None,
            context=parse_object("context", request.context) if given("context") else None,
            metadata=parse_object("metadata", request.metadata) if given("metadata") else {},
        )
        made = await self._assistants.update(request.assistant_id, change)
        return pb.UpdateAssistantResponse(assistant=_assistant(made, request.payload_format))

    async def delete_assistant(self, request: pb.DeleteAssistantRequest) -> pb.DeleteAssistantResponse:
        """Deletes an assistant."""
        await self._assistants.delete(request.assistant_id, delete_threads=request.delete_threads)
        return pb.DeleteAssistantResponse()

    async def list_assistant_versions(
        self, request: pb.ListAssistantVersionsRequest
    ) -> pb.ListAssistantVersionsResponse:
        """Lists the versions of an assistant."""
        page = pages.page(request.page_size, request.page_token)
        metadata = parse_object("metadata", request.metadata) if request.HasField("metadata") else None
        found = await self._assistants.versions(request.assistant_id, page, metadata)
        answer = pb.ListAssistantVersionsResponse(next_page_token=pages.next_token(page, len(found)))
        answer.versions.extend(_assistant(each, request.payload_format) for each in found)
        return answer

    async def set_latest_assistant_version(
        self, request: pb.SetLatestAssistantVersionRequest
    ) -> pb.SetLatestAssistantVersionResponse:
        """Makes a version the one that runs."""
        chosen = await self._assistants.set_latest(request.assistant_id, request.version)
        return pb.SetLatestAssistantVersionResponse(assistant=_assistant(chosen, request.payload_format))

    async def get_assistant_graph(self, request: pb.GetAssistantGraphRequest) -> pb.GetAssistantGraphResponse:
        """Draws an assistant's graph."""
        drawing = await self._assistants.draw(request.assistant_id, request.xray)
        answer = pb.GetAssistantGraphResponse(mermaid=drawing.mermaid)
        for node in drawing.nodes:
            made = answer.nodes.add(id=node.id, name=node.name)
            if node.metadata is not None:
                fill_text(made.metadata, node.metadata)
        for edge in drawing.edges:
            answer.edges.add(source=edge.source, target=edge.target, label=edge.label, conditional=edge.conditional)
        return answer

    async def get_assistant_schemas(self, request: pb.GetAssistantSchemasRequest) -> pb.GetAssistantSchemasResponse:
        """Returns the JSON Schemas of an assistant's graph."""
        answer = pb.GetAssistantSchemasResponse()
        schemas = await self._assistants.schemas(request.assistant_id)
        write_schemas(answer.schemas, schemas, filler(request.payload_format))
        return answer

    async def list_subgraphs(self, request: pb.ListSubgraphsRequest) -> pb.ListSubgraphsResponse:
        """Lists the graphs inside an assistant's graph."""
        found = await self._assistants.subgraphs(request.assistant_id, request.namespace, request.recurse)
        answer = pb.ListSubgraphsResponse()
        for subgraph in found:
            write_schemas(
                answer.subgraphs.add(namespace=subgraph.namespace).schemas,
                subgraph.schemas,
                filler(request.payload_format),
            )
        return answer


def _query(request: pb.SearchAssistantsRequest | pb.CountAssistantsRequest) -> AssistantQuery:
    metadata = parse_object("metadata", request.metadata) if request.HasField("metadata") else {}
    return AssistantQuery(graph_id=request.graph_id, name=request.name, metadata=metadata)


def _assistant(assistant: Assistant, form: PayloadFormat.ValueType) -> assistant_pb2.Assistant:
    made = assistant_pb2.Assistant()
    write_assistant(made, assistant, filler(form))
    return made
