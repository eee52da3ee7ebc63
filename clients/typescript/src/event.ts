/**
 * One event of a run, as a reader meets it.
 *
 * Owns the view of a `StreamEvent` that needs no knowledge of protobuf. It copies nothing: each property reads the message, so an event costs no more than
 * what is looked at.
 */

import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { StreamEvent } from "./gen/graphwire/v1/event_pb.js";
import type { Interrupt as InterruptMessage } from "./gen/graphwire/v1/interrupt_pb.js";
import { fromJson } from "./json.js";
import { type Interrupt, nameOfStatus, readError, readInterrupt, type RunError, type RunStatus } from "./model.js";

type Payload = StreamEvent["payload"];
type Known = Exclude<Payload["case"], undefined | "fragment">;

/** The generated messages of the payloads, by mode. */
export type Payloads = { [M in Known]: Extract<Payload, { case: M }>["value"] };

/**
 * What happened: `values`, `updates`, `messages`, `custom`, `debug`, `events`, `tasks`, `checkpoints`, or `metadata`, `error`, `end`. Mode `messages-tuple`
 * arrives as `messages`. `raw` is a mode that the server has no case for. Empty for a payload that is newer than this client: skip it.
 */
export type Mode = Known | "";

/** What every event has. */
export interface EventFields {
  /** The event's number on its thread: the cursor to go on from. */
  readonly seq: number;
  /** The run: a UUID. */
  readonly runId: string;
  /** The thread: a UUID. */
  readonly threadId: string;
  /** When the server appended the event to its log. */
  readonly time: Date;
  /** The subgraph that the event comes from: `node_name:task_id` for each level; empty for the root graph. */
  readonly namespace: readonly string[];
  /**
   * The free-form value of `values` (the state), `updates` (what the node returned), `custom` and `raw` (the data), as plain values. Undefined for all others,
   * and for updates that carry interrupts. It is read at the first access; integers beyond 2^53 are bigints.
   */
  readonly data: any;
  /** The text of a piece of a message; empty for all other events. */
  readonly text: string;
  /** The node that the event comes from; empty where it comes from none. */
  readonly node: string;
  /** The interrupts that the event carries; empty for most. */
  readonly interrupts: readonly Interrupt[];
  /** Why the run failed, for `error` and for the `end` of a run that failed; undefined for all other events. */
  readonly error: RunError | undefined;
  /** How the run ended, for `end`; undefined for all other events. */
  readonly status: RunStatus | undefined;
  /** The message as it came. */
  readonly proto: StreamEvent;
}

/** An event of a mode, with the generated message of its payload, in which every field is typed; `fromJson` reads a `Json` in it. */
export type Event<M extends Mode = Mode> = {
  [K in M]: EventFields & { readonly mode: K; readonly message: K extends Known ? Payloads[K] : undefined };
}[M];

/** The view of an event. */
export function viewOf(proto: StreamEvent): Event {
  return new View(proto) as unknown as Event;
}

const UNREAD = Symbol("unread");

class View implements EventFields {
  readonly proto: StreamEvent;
  readonly seq: number;
  #data: unknown = UNREAD;

  constructor(proto: StreamEvent) {
    this.proto = proto;
    this.seq = Number(proto.seq);
  }

  get runId(): string {
    return this.proto.runId;
  }

  get threadId(): string {
    return this.proto.threadId;
  }

  get time(): Date {
    return this.proto.time === undefined ? new Date(0) : timestampDate(this.proto.time);
  }

  get namespace(): readonly string[] {
    return this.proto.namespace;
  }

  get mode(): string {
    return this.proto.payload.case ?? "";
  }

  get message(): unknown {
    return this.proto.payload.value;
  }

  get data(): any {
    if (this.#data === UNREAD) {
      this.#data = dataOf(this.proto.payload);
    }
    return this.#data;
  }

  get text(): string {
    return this.proto.payload.case === "messages" ? this.proto.payload.value.text : "";
  }

  get node(): string {
    return nodeOf(this.proto.payload);
  }

  get interrupts(): readonly Interrupt[] {
    return interruptsOf(this.proto.payload).map(readInterrupt);
  }

  get error(): RunError | undefined {
    const payload = this.proto.payload;
    return payload.case === "error" || payload.case === "end" ? readError(payload.value.error) : undefined;
  }

  get status(): RunStatus | undefined {
    return this.proto.payload.case === "end" ? nameOfStatus(this.proto.payload.value.status) : undefined;
  }

  /** What a log should say of it. */
  toJSON(): object {
    const { seq, runId, mode, node, text, data, interrupts, error, status } = this;
    return { seq, runId, mode, node: node || undefined, text: text || undefined, data, interrupts: interrupts.length > 0 ? interrupts : undefined, error, status };
  }

  [Symbol.for("nodejs.util.inspect.custom")](_depth: number, options: object, inspect: (value: unknown, options: object) => string): string {
    const shown = Object.entries(this.toJSON()).filter(([, value]) => value !== undefined);
    return `Event ${inspect(Object.fromEntries(shown), options)}`;
  }
}

function dataOf(payload: Payload): unknown {
  switch (payload.case) {
    case "values":
      return fromJson(payload.value.state);
    case "updates":
      return fromJson(payload.value.update);
    case "custom":
    case "raw":
      return fromJson(payload.value.data);
    default:
      return undefined;
  }
}

function nodeOf(payload: Payload): string {
  switch (payload.case) {
    case "updates":
    case "messages":
    case "custom":
    case "events":
      return payload.value.node;
    case "tasks":
      return payload.value.phase.value?.name ?? "";
    case "debug":
      return payload.value.detail.case === "task" || payload.value.detail.case === "taskResult" ? payload.value.detail.value.name : "";
    default:
      return "";
  }
}

function interruptsOf(payload: Payload): readonly InterruptMessage[] {
  switch (payload.case) {
    case "values":
    case "updates":
    case "end":
      return payload.value.interrupts;
    case "tasks":
      return payload.value.phase.case === "result" ? payload.value.phase.value.interrupts : [];
    case "debug":
      return payload.value.detail.case === "taskResult" ? payload.value.detail.value.interrupts : [];
    default:
      return [];
  }
}
