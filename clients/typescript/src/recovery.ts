/**
 * Whether a stream goes on after a call has ended, and when.
 *
 * Owns the rules of clients/README.md, points 5 and 7, and no call. The invariant: with nothing but failures it gives up, after `patience` seconds at the
 * latest.
 */

import type { GraphwireError } from "./errors.js";
import type { Time } from "./time.js";

const FIRST_DELAY = 0.1;
const LONGEST_DELAY = 5;
const FIRST_CONTACT = 2;
const LONG_CALL = 5;
const BROKEN_WITHOUT_REASON = new Set(["CANCELLED", "UNKNOWN", "INTERNAL", "DEADLINE_EXCEEDED"]);

/** Whether an error is that of a line, or of a server that stops; all others are the caller's to know. */
export function broken(error: GraphwireError): boolean {
  return error.code === "UNAVAILABLE" || error.reason === "STREAM_CUT" || (error.reason === "" && BROKEN_WITHOUT_REASON.has(error.code));
}

/** The tries of one stream. */
export class Recovery {
  readonly #patience: number;
  readonly #time: Time;
  #tries = 0;
  #since = 0;
  #begun = false;
  #answered = false;

  /** @param patience Seconds without progress after which there is no other try. */
  constructor(patience: number, time: Time) {
    this.#patience = patience;
    this.#time = time;
  }

  /** A call is made. Patience counts from the first. */
  calling(): void {
    if (!this.#begun) {
      this.#begun = true;
      this.#since = this.#time.now();
    }
  }

  /** The server has answered: the address is right, and the whole of `patience` counts. */
  answered(): void {
    this.#answered = true;
  }

  /** A call has ended. It was progress where it had events, or stood for longer than 5 s (`stood`, seconds since its answer). */
  ended({ events, stood }: { events: boolean; stood: number }): void {
    if (events || stood > LONG_CALL) {
      this.#tries = 0;
      this.#since = this.#time.now();
    }
  }

  /**
   * Seconds to wait before the next try; undefined where patience is over, or would be before the server wants to be asked.
   *
   * @param retryAfter The least that the server asked for.
   */
  delay(retryAfter = 0): number | undefined {
    const left = this.#since + this.#bound - this.#time.now();
    if (left <= 0 || retryAfter > left) {
      return undefined;
    }
    const longest = Math.min(FIRST_DELAY * 2 ** this.#tries, LONGEST_DELAY);
    this.#tries += 1;
    // The last try comes when patience ends, not before: half of it may lie between two tries.
    return Math.max(Math.min(longest * (0.5 + this.#time.random() / 2), left), retryAfter);
  }

  get #bound(): number {
    return this.#answered ? this.#patience : Math.min(this.#patience, FIRST_CONTACT);
  }
}
