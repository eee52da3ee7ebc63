/**
 * Threads, their states, their history, and what happens on them.
 *
 * Owns the calls of the thread service. Lists are async iterables that fetch page after page: leave the loop when you have enough.
 */

import { create } from "@bufbuild/protobuf";
import type { CallOptions, Wire } from "./channel.js";
import type { Place } from "./follow.js";
import { IfExistsSchema, ThreadSortSchema, ThreadStatusSchema, ThreadViewSchema } from "./gen/graphwire/v1/thread_pb.js";
import { ThreadService, WatchThreadRequestSchema } from "./gen/graphwire/v1/thread_service_pb.js";
import { optionalJson } from "./json.js";
import { present } from "./model.js";
import type { Names, PayloadFormat, StateUpdate, WatchOptions } from "./options.js";
import { pages } from "./pages.js";
import { cursor, fieldsOf, filter, flag, format, integer, names, pick, superstep, text } from "./requests.js";
import { type Checkpoint, readCheckpoint, readState, readThread, type Thread, type ThreadState, writeCheckpoint } from "./state.js";
import { ThreadStream } from "./stream.js";

const {
  createThread,
  getThread,
  updateThread,
  deleteThread,
  copyThread,
  searchThreads,
  countThreads,
  getThreadState,
  updateThreadState,
  listThreadHistory,
  watchThread,
} = ThreadService.method;

/** How a thread is made. */
export interface NewThread {
  /** Its id: a UUID. Default: the server chooses. */
  threadId?: string | undefined;
  /** An object. Default: empty. */
  metadata?: unknown;
  /** What happens when the id is taken. Default: reject, with `THREAD_EXISTS`. */
  ifExists?: "reject" | "keep" | undefined;
  /** The graph that will run on it, so that its state can be edited before its first run. */
  graphId?: string | undefined;
  /**
   * What its state begins with, for threads that come from elsewhere: for each superstep the changes of its nodes, written as one checkpoint. They need
   * `graphId`. Where one cannot be written, the error names it and there is no thread. Default: none.
   */
  supersteps?: readonly (readonly StateUpdate[])[] | undefined;
  /** How JSON travels in the answer. Default: text. */
  payloadFormat?: PayloadFormat | undefined;
}

/** Which threads. */
export interface ThreadQuery {
  /** Only threads whose metadata has all these keys with these values: an object. */
  metadata?: unknown;
  /** Only threads in this status. */
  status?: "idle" | "busy" | "interrupted" | "error" | undefined;
}

/** Which threads, in which order. */
export interface ThreadSearch extends ThreadQuery {
  /** Only threads whose values have all these keys with these values: an object. */
  values?: unknown;
  /** Only these, at most 1000. */
  threadIds?: Names | undefined;
  /** Default: update_time. */
  sortBy?: "update_time" | "create_time" | "thread_id" | "status" | undefined;
  /** Whether the smallest comes first. Default: the largest or newest first. */
  ascending?: boolean | undefined;
  /** `full` has values and interrupts, and costs a read of each state. Default: basic. */
  view?: "basic" | "full" | undefined;
  /** How many each call fetches: 1 to 1000. Default: 100. */
  pageSize?: number | undefined;
  /** How JSON travels in the answer. Default: text. */
  payloadFormat?: PayloadFormat | undefined;
}

/** Which state. */
export interface StateQuery {
  /** The checkpoint: a UUID. Default: the latest. */
  checkpointId?: string | undefined;
  /** The checkpoint, where it is a subgraph's. */
  checkpoint?: Checkpoint | undefined;
  /** Whether tasks carry the states of their subgraphs. */
  subgraphs?: boolean | undefined;
  /** How JSON travels in the answer. Default: text. */
  payloadFormat?: PayloadFormat | undefined;
}

/** A change of a state. */
export interface StateChange {
  /** The change, as a node would return it. Left out, there is none: then only `asNode` counts. */
  values?: unknown;
  /** The node that seems to have returned it; what follows it runs next. Default: the last node that ran. */
  asNode?: string | undefined;
  /** The checkpoint to change from: a UUID. Default: the latest. */
  checkpointId?: string | undefined;
  /** The checkpoint to change from, where it is a subgraph's. */
  checkpoint?: Checkpoint | undefined;
}

/** Which states. */
export interface HistoryQuery {
  /** Only states older than this checkpoint: a UUID. */
  beforeCheckpointId?: string | undefined;
  /** Only states whose metadata has all these keys with these values: an object. */
  metadata?: unknown;
  /** The namespace of a subgraph. Default: the root graph. */
  checkpointNs?: string | undefined;
  /** How many each call fetches: 1 to 1000. Default: 100. */
  pageSize?: number | undefined;
  /** How JSON travels in the answer. Default: text. */
  payloadFormat?: PayloadFormat | undefined;
}

/** The calls of `client.threads`. A thread that does not exist is refused with `THREAD_NOT_FOUND`. */
export class Threads {
  readonly #wire: Wire;

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  /** Creates a thread. */
  async create(options: NewThread = {}, call?: CallOptions): Promise<Thread> {
    const supersteps = (value: readonly (readonly StateUpdate[])[], name: string) => value.map((updates, index) => superstep(updates, `${name}[${index}]`));
    const makers = { threadId: text, metadata: optionalJson, ifExists: pick(IfExistsSchema), graphId: text, supersteps, payloadFormat: format };
    return readThread(present((await this.#wire.call(createThread, fieldsOf(options, makers), call)).thread));
  }

  /** A thread, with its values and interrupts; with the view `basic` without them. */
  async get(
    threadId: string,
    options: { view?: "basic" | "full" | undefined; payloadFormat?: PayloadFormat | undefined } = {},
    call?: CallOptions,
  ): Promise<Thread> {
    const fields = fieldsOf(options, { view: pick(ThreadViewSchema), payloadFormat: format });
    return readThread(present((await this.#wire.call(getThread, { threadId, ...fields }, call)).thread));
  }

  /** Merges metadata into a thread's, key by key, and returns the thread without its values. */
  async update(threadId: string, options: { metadata?: unknown; payloadFormat?: PayloadFormat | undefined }, call?: CallOptions): Promise<Thread> {
    const fields = fieldsOf(options, { metadata: optionalJson, payloadFormat: format });
    return readThread(present((await this.#wire.call(updateThread, { threadId, ...fields }, call)).thread));
  }

  /** Deletes a thread with its runs and checkpoints. One on which a run executes or waits is refused with `THREAD_BUSY`. */
  async delete(threadId: string, call?: CallOptions): Promise<void> {
    await this.#wire.call(deleteThread, { threadId }, call);
  }

  /**
   * Creates a thread with a copy of another's metadata, state and history; runs are not copied. A busy thread is copied as well: the copy is idle, and has what
   * is stored of the run at that moment. What happens on either thread afterwards does not touch the other.
   */
  async copy(threadId: string, options: { payloadFormat?: PayloadFormat | undefined } = {}, call?: CallOptions): Promise<Thread> {
    const fields = fieldsOf(options, { payloadFormat: format });
    return readThread(present((await this.#wire.call(copyThread, { threadId, ...fields }, call)).thread));
  }

  /**
   * Attaches to a thread: what all its runs do from now on or, with a cursor, from there. It stays open between runs; when the thread is deleted, it raises
   * `THREAD_NOT_FOUND`.
   */
  watch(options: WatchOptions, call?: CallOptions): ThreadStream {
    const request = create(WatchThreadRequestSchema, fieldsOf(options, { threadId: text, afterSeq: cursor, filter, payloadFormat: format }));
    const dial = ({ cursor: seq }: Place) =>
      this.#wire.stream(watchThread, create(WatchThreadRequestSchema, { ...request, afterSeq: seq === undefined ? undefined : BigInt(seq) }));
    return new ThreadStream(this.#wire, { dial, afterSeq: options.afterSeq }, call);
  }

  /** The threads that match. */
  search(options: ThreadSearch = {}, call?: CallOptions): AsyncIterableIterator<Thread> {
    const makers = {
      metadata: optionalJson,
      values: optionalJson,
      status: pick(ThreadStatusSchema),
      threadIds: names,
      sortBy: pick(ThreadSortSchema),
      ascending: flag,
      view: pick(ThreadViewSchema),
      pageSize: integer,
      payloadFormat: format,
    };
    const fields = fieldsOf(options, makers);
    return pages(async (pageToken) => {
      const page = await this.#wire.call(searchThreads, { pageSize: 100, ...fields, pageToken }, call);
      return { items: page.threads.map(readThread), next: page.nextPageToken };
    });
  }

  /** How many threads match. */
  async count(options: ThreadQuery = {}, call?: CallOptions): Promise<number> {
    const fields = fieldsOf(options, { metadata: optionalJson, status: pick(ThreadStatusSchema) });
    return Number((await this.#wire.call(countThreads, fields, call)).count);
  }

  /** A thread's state, now or at a checkpoint. */
  async state(threadId: string, options: StateQuery = {}, call?: CallOptions): Promise<ThreadState> {
    const fields = fieldsOf(options, { checkpointId: text, checkpoint: writeCheckpoint, subgraphs: flag, payloadFormat: format });
    return readState(present((await this.#wire.call(getThreadState, { threadId, ...fields }, call)).state));
  }

  /** Changes a thread's state, as if a node had returned the change, and returns the new checkpoint. A busy thread is refused with `THREAD_BUSY`. */
  async updateState(threadId: string, options: StateChange, call?: CallOptions): Promise<Checkpoint> {
    const fields = fieldsOf(options, { values: optionalJson, asNode: text, checkpointId: text, checkpoint: writeCheckpoint });
    return present(readCheckpoint((await this.#wire.call(updateThreadState, { threadId, ...fields }, call)).checkpoint));
  }

  /** The states that a thread has had, the newest first. */
  history(threadId: string, options: HistoryQuery = {}, call?: CallOptions): AsyncIterableIterator<ThreadState> {
    const makers = { beforeCheckpointId: text, metadata: optionalJson, checkpointNs: text, pageSize: integer, payloadFormat: format };
    const fields = fieldsOf(options, makers);
    return pages(async (pageToken) => {
      const page = await this.#wire.call(listThreadHistory, { pageSize: 100, ...fields, threadId, pageToken }, call);
      return { items: page.states.map(readState), next: page.nextPageToken };
    });
  }
}
