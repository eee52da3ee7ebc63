/**
 * The readers of events: a run's, and those of all runs of a thread.
 *
 * Owns their life: when the first call is made, who ends them, and that nothing is held afterwards. How they go on when a line breaks is in follow.ts.
 */

import type { CallOptions, Wire } from "./channel.js";
import { GraphwireError } from "./errors.js";
import { type Event, viewOf } from "./event.js";
import { Follow, type Source } from "./follow.js";
import type { StreamEvent } from "./gen/graphwire/v1/event_pb.js";

const OVER: IteratorReturnResult<undefined> = { done: true, value: undefined };

/**
 * Events as they come: an async iterable, to be read once.
 *
 * The call is made when `started` is called, or when the first event is asked for. A call that breaks is made again, from the last event; see `patience` of
 * `connect`. Leaving the `for await` loop, `close`, and the signal end the call at once, and so does the end of a `using` block.
 */
export abstract class EventStream implements AsyncIterable<Event> {
  protected readonly follow: Follow;
  readonly #wire: Wire;
  readonly #signal: AbortSignal | undefined;
  #watch: { done(): void } | undefined;
  #turn: Promise<unknown> | undefined;
  #over = false;
  #error: Error | undefined;
  #lastSeq: number | undefined;

  protected constructor(wire: Wire, source: Source, { signal }: CallOptions = {}) {
    this.#wire = wire;
    this.#signal = signal;
    this.follow = new Follow(source, wire.patience, wire.time);
  }

  /** The thread: a UUID. Undefined until the server has taken the call. */
  get threadId(): string | undefined {
    return this.follow.place.threadId;
  }

  /** The number of the last event that was handed out: the cursor to go on from. Undefined before the first. */
  get lastSeq(): number | undefined {
    return this.#lastSeq;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /**
   * The next event.
   *
   * @throws GraphwireError The stream cannot go on, its signal was aborted, or the client closed. It is over then; a new one goes on from `lastSeq`.
   */
  next(): Promise<IteratorResult<Event, undefined>> {
    if (this.#turn === undefined && !this.#over) {
      const event = this.follow.take();
      if (event !== undefined) {
        return Promise.resolve({ done: false, value: this.#handed(event) });
      }
    }
    return this.#inTurn(() => this.#fetched());
  }

  /** Ends the stream, as `close` does. A `for await` loop calls it when it is left. */
  return(): Promise<IteratorReturnResult<undefined>> {
    this.close();
    return Promise.resolve(OVER);
  }

  /** Ends the stream: the call ends at once, and whoever waits for an event sees the end. May be called again. */
  close(): void {
    this.#end(undefined);
    this.#error = undefined;
  }

  /** Waits until the server has taken the call: its ids are known then, and nothing passes by. No event is needed for that. */
  protected async begun(): Promise<void> {
    if (this.#turn !== undefined) {
      await Promise.race([this.follow.named, this.#turn.catch(() => undefined)]); // somebody reads already, and makes the call
    }
    if (!this.follow.known || this.#error !== undefined) {
      await this.#inTurn(() => this.#named());
    }
  }

  /** Whether an event is the stream's last. */
  protected abstract isLast(event: Event): boolean;

  #handed(proto: StreamEvent): Event {
    const event = viewOf(proto);
    this.#lastSeq = event.seq;
    if (this.isLast(event)) {
      this.#over = true;
      this.#watch?.done();
      this.follow.finish();
    }
    return event;
  }

  async #named(): Promise<void> {
    this.#begin();
    await this.#guarded(() => this.follow.begin());
    this.#raise();
    if (!this.follow.known) {
      throw new GraphwireError("the stream was closed before the server had taken the call", { code: "CANCELLED" });
    }
  }

  async #fetched(): Promise<IteratorResult<Event, undefined>> {
    this.#begin();
    while (!this.#over) {
      const event = this.follow.take();
      if (event !== undefined) {
        return { done: false, value: this.#handed(event) };
      }
      await this.#guarded(() => this.follow.fetch());
    }
    this.#raise();
    return OVER;
  }

  /** One after another, also where somebody asks for the next event before the one before has come. */
  #inTurn<T>(step: () => Promise<T>): Promise<T> {
    const turn = this.#turn === undefined ? step() : this.#turn.then(step, step);
    this.#turn = turn;
    const clear = (): void => {
      if (this.#turn === turn) {
        this.#turn = undefined;
      }
    };
    turn.then(clear, clear);
    return turn;
  }

  #begin(): void {
    if (this.#watch === undefined && !this.#over) {
      try {
        this.#watch = this.#wire.follow(this.#signal, (error) => this.#end(error));
      } catch (error) {
        this.#end(error as Error);
      }
    }
  }

  async #guarded(step: () => Promise<unknown>): Promise<void> {
    if (!this.#over) {
      await step().catch((error: Error) => this.#end(error));
    }
  }

  #end(error: Error | undefined): void {
    if (!this.#over) {
      this.#over = true;
      this.#error = error;
      this.#watch?.done();
      this.follow.leave();
    }
  }

  /** Raises why the stream is over, once. */
  #raise(): void {
    const error = this.#error;
    this.#error = undefined;
    if (error !== undefined) {
      throw error;
    }
  }
}

/**
 * The events of a run.
 *
 * The iteration ends after the event `end`. A graph that fails raises nothing: `error` and `end` say so. Leaving the stream leaves the run: it goes on, unless
 * `onDisconnect: "cancel"` was asked for.
 */
export class RunStream extends EventStream {
  #end: Event<"end"> | undefined;

  constructor(wire: Wire, source: Omit<Source, "of">, options?: CallOptions) {
    super(wire, { ...source, of: "run" }, options);
  }

  /** The run: a UUID. Undefined until the server has taken the call. */
  get runId(): string | undefined {
    return this.follow.place.runId;
  }

  /** The terminal event, once it has been handed out. */
  get end(): Event<"end"> | undefined {
    return this.#end;
  }

  /**
   * Waits until the server has taken the call, and returns the ids. No event is needed for that, and nothing passes by.
   *
   * @throws GraphwireError The server refused the call or does not answer, the signal was aborted, or the client closed.
   */
  async started(): Promise<{ runId: string; threadId: string }> {
    await this.begun();
    return { runId: this.runId as string, threadId: this.threadId as string };
  }

  protected override isLast(event: Event): boolean {
    if (event.mode !== "end") {
      return false;
    }
    this.#end = event;
    return true;
  }
}

/**
 * The events of all runs of a thread, each with its `runId`.
 *
 * The iteration does not end by itself: between runs it waits, and what ends it is an error, or who reads it. Leaving it changes nothing for the runs.
 */
export class ThreadStream extends EventStream {
  constructor(wire: Wire, source: Omit<Source, "of">, options?: CallOptions) {
    super(wire, { ...source, of: "thread" }, options);
  }

  /**
   * Waits until the server has taken the call: from then on, nothing passes by.
   *
   * @throws GraphwireError As RunStream.started.
   */
  async started(): Promise<{ threadId: string }> {
    await this.begun();
    return { threadId: this.threadId as string };
  }

  protected override isLast(): boolean {
    return false;
  }
}
