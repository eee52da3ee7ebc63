/**
 * The client: what a program holds to start runs, follow them and end them.
 *
 * Owns the connection's life and the calls that start, follow and end runs. Threads, runs that exist, and assistants have their own modules.
 */

import { randomUUID } from "node:crypto";
import { create, type DescMessage, type DescMethodUnary, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import { Assistants } from "./assistants.js";
import { type CallOptions, type ConnectOptions, Wire } from "./channel.js";
import type { Place, Source } from "./follow.js";
import { CancelActionSchema } from "./gen/graphwire/v1/run_pb.js";
import { type JoinRunRequest, JoinRunRequestSchema, RunService, StreamRunRequestSchema } from "./gen/graphwire/v1/run_service_pb.js";
import { present, readResult, readRun, type Run, type RunResult } from "./model.js";
import type { DisconnectMode, InvokeOptions, JoinOptions, PayloadFormat, RunOptions, StreamOptions } from "./options.js";
import { cursor, disconnect, fieldsOf, filter, flag, format, invokeFields, pick, runFields, span, streamFields, text } from "./requests.js";
import { Runs } from "./runs.js";
import { RunStream } from "./stream.js";
import { Threads } from "./threads.js";

const { streamRun, joinRun, createRun, invokeRun, waitRun, cancelRun } = RunService.method;

/** Seconds that the server knows a key that nobody chose. Keys take room there. */
const KEY_LIFE = 600;
const LONGEST_KEY_LIFE = 86_400;

/**
 * A client of a server. Close it when it is no longer needed, or declare it with `using`.
 *
 * Nothing is sent before the first call, which raises `UNAVAILABLE` where nobody answers.
 *
 * @param address `host:port`, or any other target that gRPC knows, such as `unix:/run/graphwire.sock`.
 * @param options How it is opened; by default unencrypted, for loopback.
 * @throws TypeError Of certificateChain and privateKey there is only one.
 * @throws RangeError A number of seconds is none.
 */
export function connect(address = "localhost:50051", options: ConnectOptions = {}): GraphwireClient {
  return new GraphwireClient(new Wire(address, options));
}

/**
 * The calls of a server. `connect` makes it.
 *
 * Every call raises `GraphwireError` where the service fails it, and takes a signal that ends it; a mistake in its options is a TypeError or RangeError. A graph
 * that fails is data: in the events of `stream`, in the result of `invoke`.
 */
export class GraphwireClient {
  /** Threads, their states, their history, and what happens on them. */
  readonly threads: Threads;
  /** Runs that exist: look at them, list them, delete them; and many at once. */
  readonly runs: Runs;
  /** Assistants and the graphs that they run. */
  readonly assistants: Assistants;
  readonly #wire: Wire;

  constructor(wire: Wire) {
    this.#wire = wire;
    this.threads = new Threads(wire);
    this.runs = new Runs(wire);
    this.assistants = new Assistants(wire);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Closes the connection. Streams and calls that are under way raise `GraphwireError` with the code CANCELLED. */
  close(): void {
    this.#wire.close();
  }

  /**
   * Creates a run and streams its events, one by one, until it has ended. The run is created when the stream's first event is asked for, or `started` is
   * called, and only once, however often the line breaks.
   *
   * @throws TypeError There is no such option, or JSON has no form for a value.
   * @throws RangeError A value of an option is not one of its names.
   */
  stream(options: StreamOptions, call?: CallOptions): RunStream {
    const fields = { streamResumable: this.#wire.keepEvents, ...streamFields(options) };
    const named = fields.requestId ? fields : { requestIdTtl: this.#keyLife(), ...fields, requestId: randomUUID() };
    const request = create(StreamRunRequestSchema, named);
    const { filter, payloadFormat, onDisconnect } = request;
    const again = create(JoinRunRequestSchema, { filter, payloadFormat, onDisconnect, afterSeq: 0n });
    const dial = (place: Place) => (place.runId === undefined ? this.#wire.stream(streamRun, request) : this.#joined(again, place));
    return new RunStream(this.#wire, { dial, fromStart: true }, call);
  }

  /**
   * Attaches to a run: what it does from now on or, with a cursor, from there, until it has ended. On a run that has ended it gives what is still held behind the
   * cursor, and its `end`.
   *
   * @throws TypeError There is no such option.
   */
  join(options: JoinOptions, call?: CallOptions): RunStream {
    const makers = { runId: text, threadId: text, afterSeq: cursor, filter, onDisconnect: disconnect, payloadFormat: format };
    const request = create(JoinRunRequestSchema, fieldsOf(options, makers));
    const source: Omit<Source, "of"> = { dial: (place) => this.#joined(request, place), runId: options.runId, afterSeq: options.afterSeq };
    return new RunStream(this.#wire, source, call);
  }

  /** Creates a run, waits until it has ended, and returns its outcome, well or not: look at its `run.status`, `run.error` and `run.interrupts`. */
  async invoke(options: InvokeOptions, call?: CallOptions): Promise<RunResult> {
    return readResult(present((await this.#wire.call(invokeRun, invokeFields(options), call)).result));
  }

  /** Creates a run and returns at once; it executes in the background. `join` and `wait` follow it. */
  async create(options: RunOptions, call?: CallOptions): Promise<Run> {
    return readRun(present((await this.#wire.call(createRun, runFields(options), call)).run));
  }

  /** Waits until a run has ended and returns its outcome, as `invoke` does. */
  async wait(
    runId: string,
    options: { threadId?: string | undefined; onDisconnect?: DisconnectMode | undefined; payloadFormat?: PayloadFormat | undefined } = {},
    call?: CallOptions,
  ): Promise<RunResult> {
    const fields = fieldsOf(options, { threadId: text, onDisconnect: disconnect, payloadFormat: format });
    return readResult(present((await this.#wire.call(waitRun, { runId, ...fields }, call)).result));
  }

  /**
   * Cancels a run, wherever it executes. One that has ended is refused with `RUN_FINISHED`.
   *
   * @param options `action`: `interrupt`, the default, keeps what it has done, `rollback` undoes that and deletes the run. `wait`: whether to return only when
   * it has ended; by default when the wish is durable, at once.
   * @returns The run; undefined after a rollback that waited: it is deleted.
   */
  async cancel(
    runId: string,
    options: { threadId?: string | undefined; action?: "interrupt" | "rollback" | undefined; wait?: boolean | undefined } = {},
    call?: CallOptions,
  ): Promise<Run | undefined> {
    const fields = fieldsOf(options, { threadId: text, action: pick(CancelActionSchema), wait: flag });
    const { run } = await this.#wire.call(cancelRun, { runId, ...fields }, call);
    return run && readRun(run);
  }

  /**
   * Any unary call of the API, with the generated messages of `graphwire/v1`:
   * `client.call(AssistantService.method.getAssistant, { assistantId: "agent" })`.
   *
   * @throws GraphwireError As every call.
   */
  call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    call?: CallOptions,
  ): Promise<MessageShape<O>> {
    return this.#wire.call(method, request, call);
  }

  /** How long a key of our own must be known: until no call with it can be made again. */
  #keyLife() {
    return span(Math.min(Math.max(KEY_LIFE, this.#wire.patience), LONGEST_KEY_LIFE), "requestIdTtl");
  }

  #joined(request: JoinRunRequest, { runId = request.runId, cursor: seq }: Place) {
    const afterSeq = seq === undefined ? request.afterSeq : BigInt(seq);
    return this.#wire.stream(joinRun, create(JoinRunRequestSchema, { ...request, runId, afterSeq }));
  }
}
