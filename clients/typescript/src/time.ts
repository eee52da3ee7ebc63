/**
 * What a stream needs of time and chance, so that tests need not wait.
 */

import { setTimeout as pause } from "node:timers/promises";

/** A clock, a pause and a die. */
export interface Time {
  /** Seconds since some moment; never goes back. */
  now(): number;
  /** Waits. An aborted signal ends the wait at once, without an error. */
  sleep(seconds: number, signal: AbortSignal): Promise<void>;
  /** A number from 0 up to 1. */
  random(): number;
}

/** The real one. */
export const realTime: Time = {
  now: () => performance.now() / 1000,
  sleep: (seconds, signal) => pause(seconds * 1000, undefined, { signal }).catch(() => undefined),
  random: Math.random,
};
