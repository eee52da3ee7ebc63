/**
 * Events that come in pieces.
 *
 * Owns the joining of pieces. The invariant: an event is handed out whole or not at all.
 */

import { fromBinary } from "@bufbuild/protobuf";
import { cut } from "./errors.js";
import { type EventFragment, type StreamEvent, StreamEventSchema } from "./gen/graphwire/v1/event_pb.js";

/** Joins the pieces of events that are too large for one message. */
export class Fragments {
  #pieces: Uint8Array[] = [];
  #seq = 0n;

  /** Whether pieces of an event are still to come. */
  get open(): boolean {
    return this.#pieces.length > 0;
  }

  /** Drops the pieces that have come. */
  clear(): void {
    this.#pieces = [];
  }

  /**
   * The event, joined if it came in pieces; undefined while pieces are to come.
   *
   * @throws GraphwireError A piece is missing.
   */
  whole(event: StreamEvent): StreamEvent | undefined {
    if (event.payload.case === "fragment") {
      return this.#joined(event.seq, event.payload.value);
    }
    if (this.open) {
      throw cut(`event ${this.#seq} came without its last piece`);
    }
    return event;
  }

  #joined(seq: bigint, piece: EventFragment): StreamEvent | undefined {
    if (piece.index !== this.#pieces.length || (this.open && seq !== this.#seq)) {
      throw cut(`event ${seq} came without its piece ${this.#pieces.length}`);
    }
    this.#seq = seq;
    this.#pieces.push(piece.data);
    if (this.#pieces.length < piece.count) {
      return undefined;
    }
    const data = Buffer.concat(this.#pieces);
    this.clear();
    return decoded(seq, data);
  }
}

function decoded(seq: bigint, data: Uint8Array): StreamEvent {
  try {
    return fromBinary(StreamEventSchema, data);
  } catch (cause) {
    throw cut(`event ${seq} cannot be read from its pieces`, cause);
  }
}
