/**
 * How a run is asked for, in plain values.
 *
 * Owns the options of `stream`, `invoke`, `create` and `runs.createBatch`. Every JSON option takes plain values, and bigints for integers beyond 2^53. An option
 * that is left out, or undefined, means the server's default; null, in a JSON option, is JSON null. What the server does not offer it refuses
 * (`UNIMPLEMENTED`); nothing is ignored.
 */

import type { Checkpoint } from "./state.js";

/** One name, or several. */
export type Names = string | readonly string[];

/** How JSON travels in the answer: as text, exact and the default, or as protobuf's values, whose numbers are doubles. Either way it arrives as plain values. */
export type PayloadFormat = "text" | "value";

/** What happens to a run when the call that follows it is cut off. */
export type DisconnectMode = "continue" | "cancel";

/** A node to run next, with an input of its own. */
export interface Goto {
  /** The node's name. */
  node: string;
  /** What the node gets instead of the graph's state. Left out, it gets the state. */
  input?: unknown;
}

/** An instruction to a graph instead of an input. At least one of the three is set. */
export interface Command {
  /** The answer to what an interrupted run waits for; or an object from interrupt ids to answers. null is an answer too. */
  resume?: unknown;
  /** A change of the state, as if a node had returned it. */
  update?: unknown;
  /** The nodes to run next: a name, a `Goto`, or several. */
  goto?: string | Goto | readonly (string | Goto)[] | undefined;
}

/** One change of a thread's state, as if a node had returned it. */
export interface StateUpdate {
  /** The change. Left out, there is none: then only `asNode` counts. */
  values?: unknown;
  /** The node that seems to have returned it; `__input__` is the graph's input. Default: the last node that ran, where the graph can tell. */
  asNode?: string | undefined;
  /** A command that the node seems to have returned, instead of values: update and goto count. */
  command?: Command | undefined;
}

/** Which events of a stream are delivered. What is left out does not filter; `metadata`, `error` and `end` always come. */
export interface Filter {
  /** Stream modes, out of those that the run streams. */
  modes?: Names | undefined;
  /** Subgraphs, levels joined by `|`, each a node's name or `node_name:task_id`. The empty string is the root graph alone. */
  namespaces?: Names | undefined;
  /** Nodes, for events that come from one. */
  nodes?: Names | undefined;
  /** Tags of model calls, for messages and callback events. */
  tags?: Names | undefined;
}

/** LangGraph's configuration of a run. */
export interface Config {
  /** Tags of the run, which its model calls inherit. */
  tags?: Names | undefined;
  /** The most supersteps that the run may take: 1 or more. Default: 25. */
  recursionLimit?: number | undefined;
  /** What nodes read from `config["configurable"]`. Together with `context` it is refused. */
  configurable?: unknown;
  /** Metadata for callbacks and traces. */
  metadata?: unknown;
  /** The most nodes that run at once: 1 or more. Default: no bound. */
  maxConcurrency?: number | undefined;
  /** The name of the run in traces. Default: the graph's name. */
  runName?: string | undefined;
}

/** Where a trace of the run goes. Accepted and without effect: the server sends no traces of its own. */
export interface LangsmithTracer {
  projectName?: string | undefined;
  exampleId?: string | undefined;
}

/** What `create` takes; `invoke` and `stream` take more. */
export interface RunOptions {
  /** The assistant, or the name of a graph. */
  assistantId: string;
  /** The graph's input. Left out, there is none: the graph goes on from its checkpoint. */
  input?: unknown;
  /** The thread to run on: a UUID. Left out, the run is stateless: it has a thread of its own, which ends with it. */
  threadId?: string | undefined;
  /** An instruction instead of an input: resume, update, goto. */
  command?: Command | undefined;
  /** LangGraph's configuration, merged over the assistant's. */
  config?: Config | undefined;
  /** What nodes read from `runtime.context`: an object. */
  context?: unknown;
  /** Metadata of the run: an object. */
  metadata?: unknown;
  /** The checkpoint of the thread to go on from: a UUID. Default: the latest. */
  checkpointId?: string | undefined;
  /** The checkpoint to go on from, where it is a subgraph's. */
  checkpoint?: Checkpoint | undefined;
  /** Nodes before which the run stops; `*` means every node. */
  interruptBefore?: Names | undefined;
  /** Nodes after which the run stops; `*` means every node. */
  interruptAfter?: Names | undefined;
  /** What the run streams: values, updates, messages-tuple, messages, debug, custom, events, tasks, checkpoints, tools. Default: values. */
  streamMode?: Names | undefined;
  /** Whether events of subgraphs are streamed as well. Default: false. */
  streamSubgraphs?: boolean | undefined;
  /**
   * Whether readers may come back to the run with a cursor, while it executes and for 120 s after its end, also to a stateless run. Its events are kept in the
   * server's database, through restarts, the newest 128 MiB; a cursor that is no longer kept raises `CURSOR_EXPIRED`. Default: for `stream` what `keepEvents` of
   * `connect` says, which is true; else false.
   */
  streamResumable?: boolean | undefined;
  /** When checkpoints are written: before the next superstep, while it runs (the default), or at the end. */
  durability?: "sync" | "async" | "exit" | undefined;
  /**
   * What happens while other runs are on the thread, those that wait included: the new one waits for them (enqueue), is refused (reject), cancels them, which
   * keeps what they have done (interrupt), or cancels and deletes them and undoes it (rollback). Default: enqueue.
   */
  multitaskStrategy?: "enqueue" | "reject" | "interrupt" | "rollback" | undefined;
  /** What happens when the thread does not exist. Default: reject, with `THREAD_NOT_FOUND`. */
  ifNotExists?: "reject" | "create" | undefined;
  /** What happens to the thread of a stateless run when it ends. Default: delete. */
  onCompletion?: "delete" | "keep" | undefined;
  /** Seconds that the run waits before it may start, at most 3650 days. Its thread counts as busy, and other runs start before it. Default: 0. */
  startAfter?: number | undefined;
  /** Seconds that the run may take from its first start, at most 3650 days. It then ends with status `timeout`. Default: the server's limit. */
  timeout?: number | undefined;
  /** The URL that is called when the run has ended, however it did. `webhookDelivery` of the run tells what became of the call. Default: none. */
  webhook?: string | undefined;
  /** Keys for which feedback will be given. Accepted and without effect: the server traces nothing by itself. */
  feedbackKeys?: Names | undefined;
  /** Where a trace of the run goes. */
  langsmithTracer?: LangsmithTracer | undefined;
  /**
   * A key of your choice against doubled runs, at most 128 characters: as long as the server knows it, a second request with the same key gives the run of the
   * first, and `stream` attaches to it from its start. With another request it is refused (`REQUEST_ID_REUSED`), where the run is gone `RUN_NOT_FOUND`. Default:
   * for `stream` a random one, since it makes broken calls again by itself; else none.
   */
  requestId?: string | undefined;
  /** Seconds that the server knows the `requestId`: more than 0, at most 24 hours. Default: 24 hours; 10 minutes for the random one of `stream`. */
  requestIdTtl?: number | undefined;
  /** How JSON travels in the answer. Default: text. */
  payloadFormat?: PayloadFormat | undefined;
}

/** What `invoke` takes. */
export interface InvokeOptions extends RunOptions {
  /** What happens to the run when this call is cut off. Default: continue. */
  onDisconnect?: DisconnectMode | undefined;
}

/** What `stream` takes. */
export interface StreamOptions extends InvokeOptions {
  /** Which of the run's events this stream delivers. Default: all. */
  filter?: Filter | undefined;
}

/** What `join` takes. */
export interface JoinOptions {
  /** The run: a UUID. */
  runId: string;
  /** The run's thread: a UUID. Default: whichever it is. */
  threadId?: string | undefined;
  /** The cursor: the `lastSeq` of the stream that was left. 0 means from the run's start. Left out, from now on. */
  afterSeq?: number | undefined;
  /** Which of the run's events are delivered. Default: all. */
  filter?: Filter | undefined;
  /** What happens to the run when this call is cut off. Default: continue. */
  onDisconnect?: DisconnectMode | undefined;
  /** How JSON travels in the answer. Default: text. */
  payloadFormat?: PayloadFormat | undefined;
}

/** What `threads.watch` takes. */
export interface WatchOptions {
  /** The thread: a UUID. */
  threadId: string;
  /** The cursor: the `lastSeq` of the stream that was left. 0 means from the thread's first event. Left out, from now on. */
  afterSeq?: number | undefined;
  /** Which events are delivered. Default: all. */
  filter?: Filter | undefined;
  /** How JSON travels in the answer. Default: text. */
  payloadFormat?: PayloadFormat | undefined;
}
