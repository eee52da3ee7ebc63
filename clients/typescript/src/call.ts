/**
 * One call that streams.
 *
 * Owns gRPC's stream: what has come of it, in its order, and its end. It reads ahead a few messages and no more: while nobody asks for the next, gRPC holds
 * the server back.
 */

import { type ClientReadableStream, type Metadata, type StatusObject, status as codes } from "@grpc/grpc-js";
import { eventsOf } from "./batch.js";
import { fromStatus, type GraphwireError } from "./errors.js";

/** Milliseconds that a server has to end a call after the last event that anybody wants. */
const FAREWELL = 1000;

/** A call under way. One reader at a time. */
export class Call {
  readonly #stream: ClientReadableStream<Buffer>;
  readonly #now: () => number;
  /** Called with the initial metadata, when it comes. */
  onAnswer: ((metadata: Metadata) => void) | undefined;
  #wake: (() => void) | undefined;
  #drained = false;
  #status: StatusObject | undefined;
  #error: Error | undefined;
  #metadata: Metadata | undefined;
  #answeredAt: number | undefined;

  /**
   * @param stream The call, with messages as bytes.
   * @param now The clock, in seconds.
   */
  constructor(stream: ClientReadableStream<Buffer>, now: () => number) {
    this.#stream = stream;
    this.#now = now;
    stream.on("metadata", (metadata) => this.#answered(metadata));
    stream.on("status", (status) => this.#ended(status));
    stream.on("error", (error) => {
      this.#error = error; // the status follows
    });
    stream.on("readable", () => this.#readable());
  }

  /** The initial metadata, once it has come. */
  get metadata(): Metadata | undefined {
    return this.#metadata;
  }

  /** Seconds since the server took the call; 0 where it has not. */
  get stood(): number {
    return this.#answeredAt === undefined ? 0 : this.#now() - this.#answeredAt;
  }

  /** How the call failed; undefined while it is under way, and where it ended well. */
  get failure(): GraphwireError | undefined {
    return this.#status === undefined || this.#status.code === codes.OK ? undefined : fromStatus(this.#status, this.#error);
  }

  /** Waits until the server has answered, or the call has ended. */
  async answered(): Promise<void> {
    while (this.#metadata === undefined && this.#status === undefined) {
      await this.#change();
    }
  }

  /**
   * The events of the next message, each as its bytes; undefined when the call has ended, however it did.
   *
   * @throws Error It is not a message.
   */
  async batch(): Promise<Uint8Array[] | undefined> {
    for (;;) {
      const bytes = this.#stream.read() as Buffer | null;
      if (bytes !== null) {
        return eventsOf(bytes);
      }
      if (this.#status !== undefined) {
        return undefined;
      }
      await this.#change();
    }
  }

  /** Ends the call, if it has not ended: the server is told at once. */
  cancel(): void {
    this.#stream.cancel();
  }

  /** Lets the call end by itself, soon: nobody wants what may still come. */
  drain(): void {
    this.#drained = true;
    this.#readable();
    if (this.#status === undefined) {
      const timer = setTimeout(() => this.cancel(), FAREWELL);
      this.#stream.once("status", () => clearTimeout(timer));
    }
  }

  #answered(metadata: Metadata): void {
    this.#metadata = metadata;
    this.#answeredAt = this.#now();
    this.onAnswer?.(metadata);
    this.#changed();
  }

  #ended(status: StatusObject): void {
    this.#status = status;
    this.#changed();
  }

  #readable(): void {
    while (this.#drained && this.#stream.read() !== null) {
      // dropped
    }
    this.#changed();
  }

  #changed(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
