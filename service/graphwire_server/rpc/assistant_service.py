"""AssistantService: assistants and their graphs over gRPC.

Owns which call of the core each RPC is.
"""

from graphwire.v1 import assistant_pb2
from graphwire.v1 import assistant_service_pb2 as pb
from graphwire_server.core.assistants import Assistants
from graphwire_server.core.errors import NotOffered
from graphwire_server.rpc import pages, requests
from graphwire_server.rpc.answers import write_assistant, write_schemas
from graphwire_server.rpc.json_carrier import fill_text, filler, parse_object

_SORTS = {
    assistant_pb2.ASSISTANT_SORT_UNSPECIFIED: "name",
    assistant_pb2.ASSISTANT_SORT_NAME: "name",
    assistant_pb2.ASSISTANT_SORT_CREATE_TIME: "created_at",
    assistant_pb2.ASSISTANT_SORT_UPDATE_TIME: "updated_at",
    assistant_pb2.ASSISTANT_SORT_GRAPH_ID: "graph_id",
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
        answer = pb.GetAssistantResponse()
        write_assistant(answer.assistant, self._assistants.get(request.assistant_id), filler(request.payload_format))
        return answer

    async def search_assistants(self, request: pb.SearchAssistantsRequest) -> pb.SearchAssistantsResponse:
        """Lists assistants."""
        page = pages.page(request.page_size, request.page_token)
        found = self._assistants.search(
            graph_id=request.graph_id,
            name=request.name,
            metadata=parse_object("metadata", request.metadata) if request.HasField("metadata") else None,
            sort=requests.choose("sort_by", _SORTS, request.sort_by),
            descending=request.descending,
        )[page.offset : page.offset + page.limit]
        answer = pb.SearchAssistantsResponse(next_page_token=pages.next_token(page, len(found)))
        for assistant in found:
            write_assistant(answer.assistants.add(), assistant, filler(request.payload_format))
        return answer

    async def count_assistants(self, request: pb.CountAssistantsRequest) -> pb.CountAssistantsResponse:
        """Counts assistants."""
        metadata = parse_object("metadata", request.metadata) if request.HasField("metadata") else None
        found = self._assistants.count(graph_id=request.graph_id, name=request.name, metadata=metadata)
        return pb.CountAssistantsResponse(count=found)

    async def create_assistant(self, request: pb.CreateAssistantRequest) -> pb.CreateAssistantResponse:
        """Not offered yet."""
        raise NotOffered("CreateAssistant")

    async def update_assistant(self, request: pb.UpdateAssistantRequest) -> pb.UpdateAssistantResponse:
        """Not offered yet."""
        raise NotOffered("UpdateAssistant")

    async def delete_assistant(self, request: pb.DeleteAssistantRequest) -> pb.DeleteAssistantResponse:
        """Deletes an assistant."""
        self._assistants.delete(request.assistant_id)
        return pb.DeleteAssistantResponse()

    async def list_assistant_versions(
        self, request: pb.ListAssistantVersionsRequest
    ) -> pb.ListAssistantVersionsResponse:
        """Lists the versions of an assistant."""
        page = pages.page(request.page_size, request.page_token)
        found = self._assistants.versions(request.assistant_id)[page.offset : page.offset + page.limit]
        answer = pb.ListAssistantVersionsResponse(next_page_token=pages.next_token(page, len(found)))
        for assistant in found:
            write_assistant(answer.versions.add(), assistant, fill_text)
        return answer

    async def set_latest_assistant_version(
        self, request: pb.SetLatestAssistantVersionRequest
    ) -> pb.SetLatestAssistantVersionResponse:
        """Makes a version the one that runs."""
        answer = pb.SetLatestAssistantVersionResponse()
        chosen = self._assistants.set_latest(request.assistant_id, request.version)
        write_assistant(answer.assistant, chosen, fill_text)
        return answer

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
