/**
 * The events of a run or a thread, over as many calls as it takes.
 *
 * Owns the calls, the cursor, and the way from one call to the next. The invariant: every event comes whole, once and in order, and the cursor never runs
 * ahead of what was handed out.
 */

import { fromBinary } from "@bufbuild/protobuf";
import type { Metadata } from "@grpc/grpc-js";
import type { Call } from "./call.js";
import { cut, GraphwireError } from "./errors.js";
import { Fragments } from "./fragments.js";
import { type StreamEvent, StreamEventSchema } from "./gen/graphwire/v1/event_pb.js";
import { broken, Recovery } from "./recovery.js";
import type { Time } from "./time.js";

/** Where a stream is. */
export interface Place {
  /** The run, once it is known. */
  runId?: string | undefined;
  /** The thread, once it is known. */
  threadId?: string | undefined;
  /** The number behind which the next call goes on; undefined where no call was answered yet and none was asked for. */
  cursor?: number | undefined;
}

/** What makes the calls of a stream: the first, and those that go on from a place. */
export type Dial = (place: Readonly<Place>) => Call;

/** What a stream follows. */
export interface Source {
  readonly dial: Dial;
  /** The cursor that was asked for. */
  readonly afterSeq?: number | undefined;
  /** The run, where it was named. */
  readonly runId?: string | undefined;
  /** Whether the run's start is where the stream starts, unless the server says otherwise. */
  readonly fromStart?: boolean;
  /** Whose events they are. */
  readonly of: "run" | "thread";
}

/** What is wrong where a call ends well and the stream is not complete. */
const INCOMPLETE = { run: "the stream ended before the run's terminal event", thread: "the watch ended, and nothing said why" };

/** Follows a source. One reader at a time. */
export class Follow {
  readonly place: Place;
  /** Settles once the server has said whose events they are. */
  readonly named: Promise<void>;
  readonly #source: Source;
  readonly #time: Time;
  readonly #recovery: Recovery;
  readonly #pieces = new Fragments();
  readonly #leaving = new AbortController();
  #call: Call | undefined;
  #batch: Uint8Array[] = [];
  #next = 0;
  #named: () => void = () => undefined;
  #handed = Number.NEGATIVE_INFINITY;
  #events = false;
  #lost: GraphwireError | undefined;

  constructor(source: Source, patience: number, time: Time) {
    this.place = { runId: source.runId, cursor: source.afterSeq };
    this.#source = source;
    this.#time = time;
    this.#recovery = new Recovery(patience, time);
    this.named = new Promise((resolve) => {
      this.#named = resolve;
    });
  }

  /** The next event of what has come; undefined where more must be fetched. */
  take(): StreamEvent | undefined {
    while (this.#next < this.#batch.length) {
      const whole = this.#whole(this.#batch[this.#next++] as Uint8Array);
      const seq = Number(whole?.seq);
      if (whole !== undefined && this.#wanted(whole, seq)) {
        this.#handed = seq;
        this.place.cursor = Math.max(seq, this.place.cursor ?? seq);
        this.#events = true;
        return whole;
      }
    }
    return undefined;
  }

  /**
   * Fetches more.
   *
   * @returns Whether there is more; false where the stream was left.
   * @throws GraphwireError The stream cannot go on.
   */
  async fetch(): Promise<boolean> {
    while (!this.#left) {
      if (await this.#advance()) {
        return true;
      }
    }
    return false;
  }

  /**
   * Waits until the server has taken the call: then the thread is known, and the run.
   *
   * @throws GraphwireError It refused the call, or does not answer.
   */
  async begin(): Promise<void> {
    while (!this.#left && !this.known) {
      await this.#line().answered();
      // What comes through something that drops metadata is named by its first event.
      if (!this.known && !this.#left && (await this.#advance())) {
        this.#peek();
      }
    }
  }

  /** Ends the call, or the wait for the next one. Whoever waits in `fetch` sees the end. */
  leave(): void {
    this.#leaving.abort();
    this.#call?.cancel();
    this.#batch = [];
  }

  /** Ends the stream after its last event. */
  finish(): void {
    this.#leaving.abort();
    this.#call?.drain();
    this.#batch = [];
  }

  /** Whether the server has said whose events they are. */
  get known(): boolean {
    return this.place.threadId !== undefined && (this.#source.of === "thread" || this.place.runId !== undefined);
  }

  get #left(): boolean {
    return this.#leaving.signal.aborted;
  }

  #peek(): void {
    try {
      this.#name(fromBinary(StreamEventSchema, this.#batch[0] as Uint8Array));
    } catch (error) {
      this.#drop(error);
    }
  }

  /** The call has brought something that is no event: what it may still bring is not trusted. */
  #drop(error: unknown): void {
    this.#lost = unreadable(error);
    this.#batch = [];
  }

  /** Not what lies behind the cursor; but a run that has ended gives its `end` whatever the cursor. */
  #wanted(event: StreamEvent, seq: number): boolean {
    return seq > (this.place.cursor ?? Number.NEGATIVE_INFINITY) || (this.#source.of === "run" && event.payload.case === "end");
  }

  #line(): Call {
    if (this.#call === undefined) {
      this.#recovery.calling();
      this.#call = this.#source.dial(this.place);
      this.#call.onAnswer = (metadata) => this.#learn(metadata);
    }
    return this.#call;
  }

  #whole(bytes: Uint8Array): StreamEvent | undefined {
    try {
      const part = countable(fromBinary(StreamEventSchema, bytes));
      this.#name(part);
      return Number(part.seq) > this.#handed ? this.#pieces.whole(part) : undefined;
    } catch (error) {
      this.#drop(error);
      return undefined;
    }
  }

  /** One message, or one step from a call that has ended to the next. Returns whether there are events. */
  async #advance(): Promise<boolean> {
    if (this.#lost !== undefined) {
      await this.#goOn(this.#lost);
      return false;
    }
    const call = this.#line();
    const batch = await call.batch().catch(unreadable);
    if (this.#left) {
      return false;
    }
    if (batch === undefined || batch instanceof GraphwireError) {
      await this.#goOn(batch ?? call.failure ?? cut(INCOMPLETE[this.#source.of]));
      return false;
    }
    this.#batch = batch;
    this.#next = 0;
    return batch.length > 0;
  }

  /** Gets ready for another call, or throws. */
  async #goOn(error: GraphwireError): Promise<void> {
    const stood = this.#call?.stood ?? 0;
    // Without a cursor a call starts where it starts: made again, it would leave a gap, unless the server had not begun with it.
    const placed = this.place.cursor !== undefined || this.#source.fromStart || this.#call?.metadata === undefined;
    this.#call?.cancel();
    this.#call = undefined;
    this.#lost = undefined;
    this.#pieces.clear();
    if (error.reason !== "") {
      this.#recovery.answered();
    }
    this.#recovery.ended({ events: this.#events, stood });
    this.#events = false;
    const delay = placed && broken(error) ? this.#recovery.delay(error.retryAfter) : undefined;
    if (delay === undefined) {
      throw error;
    }
    await this.#time.sleep(delay, this.#leaving.signal);
  }

  #learn(metadata: Metadata): void {
    this.#recovery.answered();
    this.place.runId ??= text(metadata, "graphwire-run-id");
    this.place.threadId ??= text(metadata, "graphwire-thread-id");
    this.place.cursor ??= number(text(metadata, "graphwire-after-seq"));
    this.#tell();
  }

  #name(event: StreamEvent): void {
    if (!this.known) {
      this.place.runId ??= event.runId;
      this.place.threadId ??= event.threadId;
      this.#tell();
    }
  }

  #tell(): void {
    if (this.known) {
      this.#named();
    }
  }
}

/** A message, or an event in it, that is none: the line has damaged it. */
function unreadable(error: unknown): GraphwireError {
  return error instanceof GraphwireError ? error : cut("a message of the stream cannot be read", error);
}

/** Numbers are exact up to 2^53, which no thread reaches; to go on behind a number that is not would lose events in silence. */
function countable(event: StreamEvent): StreamEvent {
  if (!Number.isSafeInteger(Number(event.seq))) {
    throw new GraphwireError(`the event's number ${event.seq} is more than this client can count`, { code: "DATA_LOSS" });
  }
  return event;
}

function text(metadata: Metadata, key: string): string | undefined {
  return metadata.get(key)[0]?.toString();
}

function number(digits: string | undefined): number | undefined {
  return digits !== undefined && /^\d+$/.test(digits) ? Number(digits) : undefined;
}
