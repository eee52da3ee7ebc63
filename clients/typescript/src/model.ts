/**
 * What the service returns of runs, as plain typed values.
 *
 * Owns the values and how each is read from its message. JSON is read once, when the value is made.
 */

import type { DescEnum } from "@bufbuild/protobuf";
import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";
import type { RunError as ErrorMessage } from "./gen/graphwire/v1/error_pb.js";
import type { Interrupt as InterruptMessage } from "./gen/graphwire/v1/interrupt_pb.js";
import { CancelActionSchema, MultitaskStrategySchema, type Run as RunMessage, type RunResult as ResultMessage, RunStatusSchema } from "./gen/graphwire/v1/run_pb.js";
import { fromJson } from "./json.js";

/** Where a run is in its life; a number where that is newer than this client. `timeout`: it took longer than it may. `interrupted`: it was cancelled. */
export type RunStatus = "pending" | "running" | "success" | "error" | "timeout" | "interrupted" | number;

/** A question of a node to a person. Answer it with `command: { resume: answer }` on the same thread. */
export interface Interrupt {
  /** Its id: 32 hexadecimal digits. Where several wait, answer with `resume: { [id]: answer }`. */
  readonly id: string;
  /** What the node passed to `interrupt()`. */
  readonly value: any;
  /** The JSON Schema of the answer, where the node gave one. */
  readonly responseSchema: any;
}

/** Why a run failed. */
export interface RunError {
  /** The name of the exception's class, such as `ValueError`. */
  readonly type: string;
  /** What the exception says, where the server may tell. */
  readonly message: string;
  /** Whether the same run may succeed when it is created again. */
  readonly retryable: boolean;
}

/** One execution of a graph. */
export interface Run {
  readonly runId: string;
  /** The thread that it runs on: a UUID. */
  readonly threadId: string;
  readonly assistantId: string;
  /** The graph's name. */
  readonly graphId: string;
  readonly status: RunStatus;
  readonly createTime: Date | undefined;
  /** When its status last changed. */
  readonly updateTime: Date | undefined;
  readonly metadata: Record<string, any>;
  /** How often it was started: 1, and one more each time that it was taken up after its process died or stopped. */
  readonly attempt: number;
  /** What happens when other runs meet it on the thread: `enqueue`, `reject`, `interrupt` or `rollback`. */
  readonly multitaskStrategy: string | number;
  /** The stream modes that it produces. */
  readonly streamModes: readonly string[];
  /** Whether its thread ends with it. */
  readonly stateless: boolean;
  /** The exception, where it failed. */
  readonly error: RunError | undefined;
  /** The interrupts that it ended with. */
  readonly interrupts: readonly Interrupt[];
  /** Its last checkpoint, once it has ended; empty where it made none. */
  readonly checkpointId: string;
  /** The number of its first event; 0 until it starts. Of a run that is not resumable, that of its last attempt. */
  readonly firstSeq: number;
  /** The number of its last event; 0 until it has ended. */
  readonly lastSeq: number;
  /** When it may start; undefined where it was not delayed. */
  readonly dueTime: Date | undefined;
  /** When it was first started; undefined until then. */
  readonly startTime: Date | undefined;
  /** That it was asked to stop, and what becomes of its work: `interrupt` or `rollback`; undefined where nobody has asked. */
  readonly cancelAction: string | number | undefined;
  /** The synchronous nodes whose threads still ran when it was cut short. */
  readonly lingeringNodes: readonly string[];
}

/** The outcome of a run that has ended, well or not. A run that stopped for an interrupt has status `success`, and `run.interrupts`. */
export interface RunResult {
  readonly run: Run;
  /** The graph's output; null where there is none. */
  readonly values: any;
}

/** The name of an enum's value, in small letters; its number where it is newer than this client. */
export function nameOf(schema: DescEnum, number: number): string | number {
  return schema.value[number]?.localName.toLowerCase() ?? number;
}

export function nameOfStatus(number: number): RunStatus {
  return nameOf(RunStatusSchema, number) as RunStatus;
}

/** A time of the API; undefined where it is absent. */
export function moment(time: Timestamp | undefined): Date | undefined {
  return time && timestampDate(time);
}

export function readInterrupt(message: InterruptMessage): Interrupt {
  return { id: message.id, value: fromJson(message.value), responseSchema: fromJson(message.responseSchema) };
}

export function readError(message: ErrorMessage | undefined): RunError | undefined {
  return message && { type: message.type, message: message.message, retryable: message.retryable };
}

export function readRun(message: RunMessage): Run {
  return {
    runId: message.runId,
    threadId: message.threadId,
    assistantId: message.assistantId,
    graphId: message.graphId,
    status: nameOfStatus(message.status),
    createTime: moment(message.createTime),
    updateTime: moment(message.updateTime),
    metadata: fromJson(message.metadata) ?? {},
    attempt: message.attempt,
    multitaskStrategy: nameOf(MultitaskStrategySchema, message.multitaskStrategy),
    streamModes: message.streamModes,
    stateless: message.stateless,
    error: readError(message.error),
    interrupts: message.interrupts.map(readInterrupt),
    checkpointId: message.checkpointId,
    firstSeq: Number(message.firstSeq),
    lastSeq: Number(message.lastSeq),
    dueTime: moment(message.dueTime),
    startTime: moment(message.startTime),
    cancelAction: message.cancelAction === undefined ? undefined : nameOf(CancelActionSchema, message.cancelAction),
    lingeringNodes: message.lingeringNodes,
  };
}

export function readResult(message: ResultMessage): RunResult {
  return { run: readRun(present(message.run)), values: fromJson(message.values) };
}

/** A message that the server always sets. */
export function present<T>(message: T | undefined): T {
  if (message === undefined) {
    throw new TypeError("the server's answer is empty");
  }
  return message;
}
