/** The client of graphwire. The generated messages are in `graphwire/v1`. */

export type { Assistant, AssistantGraph, AssistantParts, AssistantQuery, AssistantSearch, GraphEdge, GraphNode, GraphSchemas, NewAssistant } from "./assistants.js";
export { Assistants } from "./assistants.js";
export type { CallOptions, ConnectOptions } from "./channel.js";
export { connect, GraphwireClient } from "./client.js";
export { type Code, type FieldViolation, GraphwireError } from "./errors.js";
export type { Event, EventFields, Mode, Payloads } from "./event.js";
export { fromJson, parseJson, stringifyJson, toJson } from "./json.js";
export { type GatheredMessage, MessageGatherer, type TokenUsage, type ToolCall } from "./messages.js";
export type { Interrupt, Run, RunError, RunResult, RunStatus } from "./model.js";
export type * from "./options.js";
export { Runs } from "./runs.js";
export type { Checkpoint, StateTask, Thread, ThreadState, ThreadStatus } from "./state.js";
export { EventStream, RunStream, ThreadStream } from "./stream.js";
export type { HistoryQuery, NewThread, StateChange, StateQuery, ThreadQuery, ThreadSearch } from "./threads.js";
export { Threads } from "./threads.js";
