/**
 * What is seen of a stream, as the cases want it.
 */

import { type Event, type GatheredMessage, GraphwireError, MessageGatherer, RunStream, type ThreadStream } from "../src/index.js";
import type { Step } from "./run.js";

/** What a step has seen. */
export interface Observation {
  run_id?: string | undefined;
  thread_id?: string | undefined;
  last_seq?: number | undefined;
  events?: object[] | number;
  messages?: object[];
  seconds?: number;
  response?: unknown;
  error?: object | null;
}

/** Reads a stream as far as the step says. */
export async function observed(stream: RunStream | ThreadStream, step: Step): Promise<Observation> {
  const reader = step.count ? new Counter() : new Reader();
  const gatherer = step.gather ? new MessageGatherer() : undefined;
  const begun = performance.now();
  let error: object | null = null;
  try {
    await read(stream, step.take ?? Number.POSITIVE_INFINITY, (event) => {
      reader.add(event);
      gatherer?.add(event);
    });
  } catch (failure) {
    if (!(failure instanceof GraphwireError)) {
      throw failure;
    }
    error = seenError(failure);
  }
  return {
    ...(stream instanceof RunStream ? { run_id: stream.runId } : {}),
    thread_id: stream.threadId,
    last_seq: stream.lastSeq,
    events: reader.events,
    ...(step.count ? { seconds: (performance.now() - begun) / 1000 } : {}),
    ...(gatherer ? { messages: gatherer.messages.map(seenMessage) } : {}),
    error,
  };
}

async function read(stream: RunStream | ThreadStream, most: number, add: (event: Event) => void): Promise<void> {
  let left = most;
  for await (const event of stream) {
    add(event);
    left -= 1;
    if (left <= 0) {
      break;
    }
  }
}

class Reader {
  readonly events: object[] = [];

  add(event: Event): void {
    this.events.push(seenEvent(event));
  }
}

class Counter {
  events = 0;

  add(_event: Event): void {
    this.events += 1;
  }
}

/** What was raised. */
export function seenError(error: GraphwireError): object {
  const { code, reason, message, metadata, fields, retryAfter } = error;
  return { code, reason, message, metadata, fields, retry_after: retryAfter };
}

function seenEvent(event: Event): object {
  const { seq, runId, mode, namespace, node, text, status, error, interrupts } = event;
  return {
    seq,
    run_id: runId,
    mode,
    namespace,
    node,
    text,
    data: hasData(mode) ? (event.data ?? null) : undefined,
    status,
    error: error && { type: error.type, message: error.message },
    attempt: event.mode === "metadata" ? event.message.attempt : undefined,
    interrupts: interrupts.length > 0 ? interrupts.map(({ id, value }) => ({ id, value })) : undefined,
  };
}

function hasData(mode: string): boolean {
  return mode === "values" || mode === "updates" || mode === "custom" || mode === "raw";
}

function seenMessage(message: GatheredMessage): object {
  const { id, type, text, reasoning, finishReason, node, complete, toolCalls, usage } = message;
  return {
    id,
    type,
    text,
    reasoning,
    finish_reason: finishReason,
    node,
    complete,
    tool_calls: toolCalls,
    usage: usage && { input_tokens: usage.inputTokens, output_tokens: usage.outputTokens, total_tokens: usage.totalTokens, details: usage.details },
  };
}
