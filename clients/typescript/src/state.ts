/**
 * What threads are and what they remember, as plain typed values.
 *
 * Owns the values of threads, states and checkpoints, and how each is read from its message, and written.
 */

import { create } from "@bufbuild/protobuf";
import { type CheckpointRef, CheckpointRefSchema } from "./gen/graphwire/v1/run_pb.js";
import { type StateTask as TaskMessage, type Thread as ThreadMessage, type ThreadState as StateMessage, ThreadStatusSchema } from "./gen/graphwire/v1/thread_pb.js";
import { fromJson, optionalJson } from "./json.js";
import { type Interrupt, moment, nameOf, readInterrupt } from "./model.js";

/** What a thread is doing; a number where that is newer than this client. */
export type ThreadStatus = "idle" | "busy" | "interrupted" | "error" | number;

/** Which checkpoint of a thread is meant. */
export interface Checkpoint {
  /** The checkpoint: a UUID. Empty or left out, the latest. */
  readonly checkpointId?: string | undefined;
  /** The thread: a UUID. Empty or left out, that of the request. */
  readonly threadId?: string | undefined;
  /** The namespace of a subgraph, levels joined by `|`. Empty or left out, the root graph. */
  readonly checkpointNs?: string | undefined;
  /** The checkpoints of the graphs above, as the server gave them. */
  readonly checkpointMap?: Record<string, any> | undefined;
}

/** A conversation: runs that follow one another and share a state. */
export interface Thread {
  readonly threadId: string;
  readonly createTime: Date | undefined;
  /** When it was last changed. */
  readonly updateTime: Date | undefined;
  readonly metadata: Record<string, any>;
  readonly status: ThreadStatus;
  /** Its state's values. Undefined in the basic view, and where no run has used it. */
  readonly values: any;
  /** The interrupts that wait for an answer, by the id of their task. Empty in the basic view. */
  readonly interrupts: Readonly<Record<string, readonly Interrupt[]>>;
  /** The error of its last run, where that did not end well. */
  readonly error: string | undefined;
  /** A cursor for what comes next. */
  readonly lastSeq: number;
}

/** A task of a state. */
export interface StateTask {
  readonly id: string;
  /** Its node. */
  readonly name: string;
  /** The error's text, where it failed. */
  readonly error: string | undefined;
  /** The interrupts that it raised. */
  readonly interrupts: readonly Interrupt[];
  /** What it wrote; undefined where it has not run. */
  readonly result: any;
  /** Where its subgraph's state is, where it has one. */
  readonly checkpoint: Checkpoint | undefined;
  /** Its subgraph's state, where the request asked for subgraphs. */
  readonly state: ThreadState | undefined;
}

/** A thread's state at one checkpoint. */
export interface ThreadState {
  readonly values: any;
  /** The nodes that run next; empty where the graph has reached its end. */
  readonly next: readonly string[];
  /** Their tasks. */
  readonly tasks: readonly StateTask[];
  /** The checkpoint; undefined where the thread has none. */
  readonly checkpoint: Checkpoint | undefined;
  /** The one before it; undefined for the first. */
  readonly parentCheckpoint: Checkpoint | undefined;
  /** The checkpoint's metadata. */
  readonly metadata: Record<string, any>;
  /** When it was made; undefined where the thread has none. */
  readonly createTime: Date | undefined;
  /** All interrupts that wait for an answer. */
  readonly interrupts: readonly Interrupt[];
}

export function readCheckpoint(message: CheckpointRef | undefined): Checkpoint | undefined {
  return (
    message && {
      checkpointId: message.checkpointId,
      threadId: message.threadId,
      checkpointNs: message.checkpointNs,
      checkpointMap: fromJson(message.checkpointMap),
    }
  );
}

export function writeCheckpoint(checkpoint: Checkpoint | undefined): CheckpointRef | undefined {
  return (
    checkpoint &&
    create(CheckpointRefSchema, {
      checkpointId: checkpoint.checkpointId ?? "",
      threadId: checkpoint.threadId ?? "",
      checkpointNs: checkpoint.checkpointNs ?? "",
      checkpointMap: optionalJson(checkpoint.checkpointMap, "checkpoint.checkpointMap"),
    })
  );
}

export function readThread(message: ThreadMessage): Thread {
  return {
    threadId: message.threadId,
    createTime: moment(message.createTime),
    updateTime: moment(message.updateTime),
    metadata: fromJson(message.metadata) ?? {},
    status: nameOf(ThreadStatusSchema, message.status) as ThreadStatus,
    values: fromJson(message.values),
    interrupts: Object.fromEntries(message.interrupts.map((task) => [task.taskId, task.interrupts.map(readInterrupt)])),
    error: message.error,
    lastSeq: Number(message.lastSeq),
  };
}

export function readState(message: StateMessage): ThreadState {
  return {
    values: fromJson(message.values),
    next: message.next,
    tasks: message.tasks.map(readTask),
    checkpoint: readCheckpoint(message.checkpoint),
    parentCheckpoint: readCheckpoint(message.parentCheckpoint),
    metadata: fromJson(message.metadata) ?? {},
    createTime: moment(message.createTime),
    interrupts: message.interrupts.map(readInterrupt),
  };
}

function readTask(message: TaskMessage): StateTask {
  return {
    id: message.id,
    name: message.name,
    error: message.error,
    interrupts: message.interrupts.map(readInterrupt),
    result: fromJson(message.result),
    checkpoint: readCheckpoint(message.checkpoint),
    state: message.state && readState(message.state),
  };
}
