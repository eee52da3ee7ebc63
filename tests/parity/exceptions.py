"""Where the two transports differ on purpose.

Owns the one table of named exceptions (house style, line 6). A difference that no row names fails its scenario; a row whose scenario does not show the
difference any more fails too.
"""

from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A difference that is meant.

    Attributes:
        path: Where it is: a path of `compare`, with wildcards. `shown` is what HTTP shows of what gRPC said, `typed` what gRPC says of what HTTP
            showed.
        rows: In which scenarios, with wildcards.
        shown_by: A scenario that shows it.
        reason: Why it is meant.
    """

    path: str
    shown_by: str
    reason: str
    rows: str = "*"

    def covers(self, scenario: str, path: str) -> bool:
        """Whether a difference is this one."""
        return fnmatchcase(scenario, self.rows) and fnmatchcase(path, self.path)


EXCEPTIONS: tuple[Named, ...] = (
    Named(
        path="/typed/end",
        shown_by="stream values by default",
        reason="the documented surface has no terminal event; a run's row tells its status",
    ),
    Named(
        path="/typed/*/time",
        shown_by="stream values by default",
        reason="server-sent events have no field for when they were appended",
    ),
    Named(
        path="/typed/metadata/payload/*_id",
        shown_by="stream values by default",
        reason="the documented metadata has the run's id and attempt alone; the run's row names assistant and graph",
    ),
    Named(
        path="/typed/custom/payload/node",
        shown_by="stream of mode custom",
        reason="the documented data of a custom event is what the node wrote, and nothing beside it",
    ),
    Named(
        path="/typed/*/thread_id",
        rows="*stateless*",
        shown_by="stream of a stateless run",
        reason="the documented head of a stateless run's stream names the run alone",
    ),
    Named(
        path="/typed/*/seq",
        rows="*not resumable*",
        shown_by="stream of a stateless run that is not resumable",
        reason="frames have ids only where a reader can come back with one",
    ),
    Named(
        path="/shown/messages/data/0/chunk_position",
        shown_by="stream of mode messages-tuple of a model",
        reason="LangChain's own mark for its merging; a typed piece says how the model stopped",
    ),
    Named(
        path="/typed/messages/payload/tool_call_chunks",
        rows="*whole messages*",
        shown_by="stream of tool calls: whole messages",
        reason="the documented mode sends each message as it is so far, and a call that is not whole has no text there",
    ),
    Named(
        path="/shown/messages*/data/0/content*",
        rows="*content blocks*",
        shown_by="stream of content blocks",
        reason="the documented message has the model's own list of blocks; typed pieces have text and reasoning as such, and the other blocks whole",
    ),
    Named(
        path="/shown/messages*/data/0/additional_kwargs/reasoning_content",
        rows="*content blocks*",
        shown_by="stream of content blocks",
        reason="models put reasoning into a block or into a field of their own; a typed piece has one place for both",
    ),
    Named(
        path="/*/kinds",
        rows="join with a cursor a run that is not resumable",
        shown_by="join with a cursor a run that is not resumable",
        reason="the documented surface replays nothing of such a run, whatever the id; gRPC serves a cursor as long as the events are held",
    ),
    *(
        Named(
            path="/*/kinds",
            rows=f"join with {part}",
            shown_by=f"join with {part}",
            reason="the documented surface filters by mode alone",
        )
        for part in ("nodes", "namespaces", "tags")
    ),
    Named(
        path="/typed/end/payload/*",
        rows="watch*",
        shown_by="watch a thread",
        reason="the documented frame at a run's end says that it is done, and nothing of how",
    ),
    Named(
        path="/typed/*/run_id",
        rows="watch*",
        shown_by="watch a thread",
        reason="frames of a thread name no run; a reader who comes behind its metadata does not learn it",
    ),
    *(
        Named(
            path="/RUN_NOT_FOUND~reading",
            rows=f"refuse to join {run}",
            shown_by=f"refuse to join {run}",
            reason="the documented surface answers 200 before it looks the run up, and says it in an error event",
        )
        for run in ("an unknown run", "a run that was rolled back")
    ),
    *(
        Named(
            path="/RUN_NOT_FOUND~dict",
            rows=f"refuse to wait for {run}",
            shown_by=f"refuse to wait for {run}",
            reason="the documented surface answers 200 before it looks the run up, and says it in the value",
        )
        for run in ("an unknown run", "a run that was rolled back")
    ),
    Named(
        path="/INVALID_FIELD~*",
        rows="refuse a run with an empty command",
        shown_by="refuse a run with an empty command",
        reason="programs that send all fields of the documented body send an empty command for none",
    ),
    *(
        Named(
            path="/INVALID_FIELD~*",
            rows=f"refuse a run that is {kept} and has a thread",
            shown_by=f"refuse a run that is {kept} and has a thread",
            reason="the documented body of a run on a thread has no such field, and fields that it does not have are ignored",
        )
        for kept in ("kept", "deleted")
    ),
    Named(
        path="/dict~INVALID_FIELD",
        rows="run with a key that no header carries",
        shown_by="run with a key that no header carries",
        reason="a key is a header there, and headers carry visible ASCII alone",
    ),
    Named(
        path="/refused/message/INVALID_FIELD",
        shown_by="refuse a run with a recursion limit of 0",
        reason="what a field should have been is said in the words of the request: of a message, or of a JSON body",
    ),
    *(
        Named(path=f"/refused/field/{grpc}~{http}", shown_by=f"refuse {shown_by}", reason=reason)
        for grpc, http, shown_by, reason in (
            ("after_seq", "Last-Event-ID", "to watch beyond the newest event", "the documented cursor is a header"),
            (
                "filter.modes",
                "stream_mode",
                "to join with a mode that does not exist",
                "the documented filter is a query",
            ),
            ("thread_ids", "ids", "a search for too many ids", "each surface has its own name for it"),
            (
                "before_checkpoint_id",
                "before",
                "a history before what is no UUID",
                "each surface has its own name for it",
            ),
            (
                "page_size",
                "limit",
                "a page of runs that is too large",
                "each surface has its own name for the size of a page",
            ),
            ("start_after", "after_seconds", "a run that starts before now", "each surface has its own name for it"),
            ("timeout", "timeout_seconds", "a run with no time", "each surface has its own name for it"),
            ("request_id", "Idempotency-Key", "a run with a key that is too long", "a key is a header there"),
            (
                "requests[[]0].request_id",
                "Idempotency-Key",
                "a batch with a key that is too long",
                "there, one key is that of all runs of a batch, each with its place behind it",
            ),
            ("requests*", "[[]*", "a batch with a wrong run", "the documented body of a batch is the array itself"),
            ("stream_mode", "stream_mode[[]1]", "a run in an unknown mode", "a JSON body names the item"),
            (
                "*command.goto.node",
                "*command.goto[[]0].node",
                "a run with a goto to nowhere",
                "a JSON body names the item",
            ),
        )
    ),
    *(
        Named(
            path=f"/refused/status/{reason}/{statuses}",
            rows=rows,
            shown_by=f"refuse {shown_by}",
            reason=f"the documented surface answers so: {why}",
        )
        for reason, statuses, rows, shown_by, why in (
            (
                "ASSISTANT_NOT_FOUND",
                "NOT_FOUND~422",
                "*unknown graph",
                "a run of an unknown graph",
                "a name that is no UUID is a field that is wrong",
            ),
            (
                "NOTHING_TO_RESUME",
                "FAILED_PRECONDITION~400",
                "*without a thread",
                "a run that resumes without a thread",
                "nothing can wait for a stateless run",
            ),
            (
                "THREAD_HAS_NO_GRAPH",
                "FAILED_PRECONDITION~400",
                "*",
                "a change of a state without a graph",
                "no graph is assigned to the thread",
            ),
            (
                "RUN_FINISHED",
                "FAILED_PRECONDITION~404",
                "*",
                "to cancel a run that has ended",
                "there is nothing left to cancel",
            ),
            (
                "INVALID_FIELD",
                "INVALID_ARGUMENT~400",
                "*with context and configurable",
                "a run with context and configurable",
                "each is right alone",
            ),
            (
                "INVALID_FIELD",
                "INVALID_ARGUMENT~400",
                "*by an unknown node",
                "a change of a state by an unknown node",
                "the body is right, and the graph has no such node",
            ),
            (
                "INVALID_FIELD",
                "INVALID_ARGUMENT~400",
                "*that the graph takes",
                "a thread whose supersteps are nothing that the graph takes",
                "the body is right, and the graph does not take it",
            ),
        )
    ),
    Named(
        path="/answer*/beyond",
        shown_by="outcome of a run",
        reason="the documented run has its status alone; its thread and its events tell the rest",
    ),
    *(
        Named(
            path=f"/answer*/kwargs/{field}",
            shown_by="outcome of a run",
            reason="the documented run repeats its request, which over gRPC the caller has",
        )
        for field in ("input", "command", "config", "context", "interrupt_*", "resumable", "subgraphs")
    ),
    Named(
        path="/answer*/last_seq",
        shown_by="thread of a run",
        reason="the documented thread has no cursor; the ids of its stream are one",
    ),
    Named(
        path="/answer*/interrupts/*/response_schema",
        shown_by="thread of two interrupts",
        reason="the documented interrupts of threads and states have an id and a value; streams have the form of the answer too",
    ),
    Named(
        path="/answer/values*",
        rows="outcome of * fails",
        shown_by="outcome of a run that fails",
        reason="the documented value of a run that failed is its error alone",
    ),
    Named(
        path="/answer/outcome/values/*",
        rows="cancel a run",
        shown_by="cancel a run",
        reason="the documented value of a run that was cancelled is an empty object",
    ),
    Named(
        path="/answer/*/run",
        rows="cancel *run*",
        shown_by="cancel a run",
        reason="the documented answer to a cancel has no run in it",
    ),
    Named(
        path="/answer/answers/*/run_ids",
        rows="cancel many runs*",
        shown_by="cancel many runs",
        reason="the documented answer to a cancel of many has no body",
    ),
    *(
        Named(
            path=path,
            rows="assistants that callers make",
            shown_by="assistants that callers make",
            reason="the documented surface shows settings in both of their forms, whichever they came in",
        )
        for path in ("*/config/configurable", "*/context/*")
    ),
    Named(
        path="/answer/mermaid",
        rows="assistants *",
        shown_by="assistants and their graphs",
        reason="the documented drawing is nodes and edges; Mermaid text is made of them",
    ),
)
