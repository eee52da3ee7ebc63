/**
 * A server that answers from a script, and a time that does not pass by itself.
 */

import { create, type DescMessage, type DescMethod, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { anyPack, DurationSchema } from "@bufbuild/protobuf/wkt";
import { Metadata, Server, ServerCredentials, type ServerWritableStream, status } from "@grpc/grpc-js";
import { Wire } from "../src/channel.js";
import { GraphwireClient } from "../src/client.js";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema, StatusSchema } from "../src/gen/rpc_status_pb.js";
import type { ConnectOptions } from "../src/index.js";
import { decoder, encoded, pathOf } from "../src/methods.js";
import type { Time } from "../src/time.js";
import { AssistantService, type EventFragment, RunService, StreamEventSchema, ThreadService } from "../src/v1.js";

export const RUN = "00000001-0000-4000-8000-000000000000";
export const THREAD = "00000002-0000-4000-8000-000000000000";

export type EventInit = MessageInitShape<typeof StreamEventSchema>;
export type Failure = { code: number; details?: string; metadata?: Metadata };

/** What a call that streams answers. */
export interface Answer {
  /** The initial metadata beside the ids; null sends none before the end. */
  metadata?: Record<string, string> | null;
  events?: EventInit[];
  /** How it ends: `ok`, not at all, or with a status. Default: `ok`. */
  end?: "ok" | "hang" | Failure;
  /** Called with the call, when it has been answered. */
  then?: (call: ServerWritableStream<any, any>) => void;
}

/** What was called. */
export interface Called {
  method: string;
  request: any;
  metadata: Metadata;
}

/** A scripted server and a client of it. */
export class Scripted {
  readonly called: Called[] = [];
  readonly cancelled: string[] = [];
  readonly time = new FakeTime();
  address = "";
  readonly #server = new Server();
  readonly #answers: (Answer | Failure | object)[];
  readonly #wakes = new Set<() => void>();

  constructor(answers: (Answer | Failure | object)[]) {
    this.#answers = [...answers];
    for (const service of [RunService, ThreadService, AssistantService]) {
      const methods = service.methods.map((method) => [method.name, definition(method)]);
      const handlers = service.methods.map((method) => [
        method.name,
        method.methodKind === "unary" ? (call: any, done: any) => this.#answer(method, call, done) : (call: any) => this.#stream(method, call),
      ]);
      this.#server.addService(Object.fromEntries(methods), Object.fromEntries(handlers));
    }
  }

  static async start(...answers: (Answer | Failure | object)[]): Promise<Scripted> {
    const server = new Scripted(answers);
    const port = await new Promise<number>((resolve, reject) =>
      server.#server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound))),
    );
    server.address = `127.0.0.1:${port}`;
    return server;
  }

  client(options: ConnectOptions = {}): GraphwireClient {
    return new GraphwireClient(new Wire(this.address, options, this.time));
  }

  stop(): void {
    this.#server.forceShutdown();
  }

  /** Waits until something is so. */
  async until(so: () => boolean): Promise<void> {
    while (!so()) {
      await new Promise<void>((resolve, reject) => {
        const late = setTimeout(() => reject(new Error(`waited in vain; called: ${this.called.map(({ method }) => method)}`)), 60_000);
        this.#wakes.add(() => {
          clearTimeout(late);
          resolve();
        });
      });
    }
  }

  #wake(): void {
    for (const wake of this.#wakes) {
      wake();
    }
    this.#wakes.clear();
  }

  #note(method: DescMethod, call: { request: any; metadata: Metadata }): any {
    this.called.push({ method: method.name, request: call.request, metadata: call.metadata });
    this.#wake();
    const answer = this.#answers.shift();
    return answer ?? fails(status.FAILED_PRECONDITION, { reason: "OFF_SCRIPT" });
  }

  #noteCancelled(method: DescMethod): void {
    this.cancelled.push(method.name);
    this.#wake();
  }

  #answer(method: DescMethod, call: any, done: (error: object | null, answer?: object) => void): void {
    const answer = this.#note(method, call);
    call.on("cancelled", () => this.#noteCancelled(method));
    if ("code" in answer) {
      done(answer);
    } else if (answer.end !== "hang") {
      done(null, create(method.output, answer));
    }
  }

  #stream(method: DescMethod, call: ServerWritableStream<any, any>): void {
    const answer: Answer & Partial<Failure> = this.#note(method, call);
    call.on("cancelled", () => this.#noteCancelled(method));
    if (answer.metadata !== null && answer.code === undefined) {
      call.sendMetadata(initial(answer.metadata ?? {}));
    }
    for (const event of answer.events ?? []) {
      call.write(create(method.output, { events: [{ runId: RUN, threadId: THREAD, ...event } as never] }));
    }
    const end = answer.code === undefined ? (answer.end ?? "ok") : (answer as Failure);
    if (typeof end === "object") {
      call.emit("error", end);
    } else if (end === "ok") {
      call.end();
    }
    answer.then?.(call);
  }
}

/** A clock that only sleep moves. */
export class FakeTime implements Time {
  readonly slept: number[] = [];
  clock = 0;
  /** Whether sleep waits until it is aborted. */
  still = false;

  now = (): number => this.clock;

  random = (): number => 1;

  async sleep(seconds: number, signal: AbortSignal): Promise<void> {
    this.slept.push(seconds);
    this.clock += seconds;
    if (this.still) {
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    }
  }
}

/** A failure, with its details. */
export function fails(
  code: number,
  facts: { reason?: string; domain?: string; metadata?: Record<string, string>; retryAfter?: number; fields?: { field: string; description: string }[] } = {},
): Failure {
  const details = [];
  if (facts.reason !== undefined) {
    details.push(packed("ErrorInfo", ErrorInfoSchema, { reason: facts.reason, domain: facts.domain ?? "graphwire", metadata: facts.metadata ?? {} }));
  }
  if (facts.fields !== undefined) {
    details.push(packed("BadRequest", BadRequestSchema, { fieldViolations: facts.fields }));
  }
  if (facts.retryAfter !== undefined) {
    const whole = Math.floor(facts.retryAfter);
    const nanos = Math.round((facts.retryAfter - whole) * 1e9);
    details.push(packed("RetryInfo", RetryInfoSchema, { retryDelay: create(DurationSchema, { seconds: BigInt(whole), nanos }) }));
  }
  const metadata = new Metadata();
  if (details.length > 0) {
    metadata.set("grpc-status-details-bin", Buffer.from(toBinary(StatusSchema, create(StatusSchema, { details }))));
  }
  return { code, details: `failed with ${code}`, metadata };
}

/** An event of a node's data. */
export function custom(seq: number, data = "{}"): EventInit {
  return { seq: BigInt(seq), payload: { case: "custom", value: { data: { kind: { case: "text", value: data } } } } };
}

/** The terminal event. */
export function end(seq: number, status = 3): EventInit {
  return { seq: BigInt(seq), payload: { case: "end", value: { status } } };
}

/** The pieces of an event. */
export function pieces(event: EventInit, count: number): EventInit[] {
  const whole = toBinary(StreamEventSchema, create(StreamEventSchema, { runId: RUN, threadId: THREAD, ...event } as EventInit));
  const size = Math.ceil(whole.length / count);
  return Array.from({ length: count }, (_, index) => ({
    seq: event.seq as bigint,
    payload: { case: "fragment" as const, value: { index, count, data: whole.slice(index * size, (index + 1) * size) } as EventFragment },
  }));
}

function initial(extra: Record<string, string>): Metadata {
  const metadata = new Metadata();
  const all = { "graphwire-run-id": RUN, "graphwire-thread-id": THREAD, "graphwire-after-seq": "0", ...extra };
  for (const [key, value] of Object.entries(all)) {
    if (value !== "") {
      metadata.set(key, value);
    }
  }
  return metadata;
}

function packed<D extends DescMessage>(name: string, schema: D, init: MessageInitShape<D>) {
  return { ...anyPack(schema, create(schema, init)), typeUrl: `type.googleapis.com/google.rpc.${name}` };
}

function definition(method: DescMethod) {
  return {
    path: pathOf(method),
    requestStream: false,
    responseStream: method.methodKind === "server_streaming",
    requestSerialize: (message: any) => encoded(method.input, message),
    requestDeserialize: decoder(method.input),
    responseSerialize: (message: any) => (Buffer.isBuffer(message) ? message : encoded(method.output, message)),
    responseDeserialize: decoder(method.output),
  };
}
