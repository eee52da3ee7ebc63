/**
 * One case: its client, and its steps, one after another.
 */

import { readFileSync } from "node:fs";
import { type DescMessage, fromJson as messageFromJson, type JsonValue, toJson as messageToJson } from "@bufbuild/protobuf";
import { connect, type ConnectOptions, type GraphwireClient, GraphwireError, type RunStream, type StreamOptions, type ThreadStream } from "../src/index.js";
import { JoinRunRequestSchema, StreamRunRequestSchema, WatchThreadRequestSchema } from "../src/v1.js";
import { calledBy, methodOf, Tap } from "./calls.js";
import { type Observation, observed, seenError } from "./observation.js";
import { optionsOf } from "./options.js";

/** What a step asks. */
export interface Step {
  do: "stream" | "join" | "watch" | "call";
  save?: string;
  method?: string;
  request?: Record<string, JsonValue>;
  take?: number;
  deadline?: number;
  gather?: boolean;
  count?: boolean;
}

/** What a case asks. */
export interface Asked {
  address: string;
  connect?: Record<string, unknown>;
  steps: Step[];
}

/** A case under way. */
export class Run {
  readonly #asked: Asked;
  readonly #tap = new Tap();
  readonly #client: GraphwireClient;
  readonly #saved = new Map<string, Observation>();

  constructor(asked: Asked) {
    this.#asked = asked;
    this.#client = connect(asked.address, { ...opened(asked.connect ?? {}), interceptors: [this.#tap.interceptor] });
  }

  /** What was seen, step by step. */
  async seen(): Promise<Observation[]> {
    const seen: Observation[] = [];
    for (const step of this.#asked.steps) {
      const observation = await this.#step({ ...step, request: this.#filled(step.request ?? {}) });
      seen.push(observation);
      if (step.save !== undefined) {
        this.#saved.set(step.save, observation);
      }
    }
    return seen;
  }

  close(): void {
    this.#client.close();
  }

  #step(step: Step): Promise<Observation> {
    if (step.do === "call") {
      return this.#call(step);
    }
    const signal = step.deadline === undefined ? undefined : AbortSignal.timeout(step.deadline * 1000);
    return observed(this.#stream(step, { signal }), step);
  }

  #stream(step: Step, call: { signal: AbortSignal | undefined }): RunStream | ThreadStream {
    switch (step.do) {
      case "stream":
        return this.#client.stream(streamOptions(step), call);
      case "join":
        return this.#client.join(asked(JoinRunRequestSchema, step) as never, call);
      case "watch":
        return this.#client.threads.watch(asked(WatchThreadRequestSchema, step) as never, call);
      default:
        throw new Error(`there is no step ${step.do}`);
    }
  }

  async #call(step: Step): Promise<Observation> {
    const method = methodOf(step.method ?? "");
    const request = messageFromJson(method.input, step.request ?? {});
    try {
      const options = optionsOf(method.input, request);
      await calledBy(this.#client, method, request, options);
    } catch (error) {
      if (error instanceof GraphwireError) {
        return { error: seenError(error) };
      }
      throw error;
    }
    return { response: messageToJson(method.output, this.#tap.taken(), { useProtoFieldName: true }) };
  }

  /** The request with what earlier steps have seen in it. */
  #filled(request: Record<string, JsonValue>): Record<string, JsonValue> {
    return JSON.parse(JSON.stringify(request), (_key, value: unknown) =>
      typeof value === "string" ? value.replace(/\$\{([^}]+)\}/g, (_all, path: string) => this.#noted(path)) : value,
    );
  }

  #noted(path: string): string {
    const [name = "", ...keys] = path.split(".");
    const observation = this.#saved.get(name);
    let found: any = keys.length === 1 && keys[0] !== undefined && observation !== undefined && keys[0] in observation ? observation : observation?.response;
    for (const key of keys) {
      found = found?.[key];
    }
    if (found === undefined || found === null) {
      throw new Error(`nobody has seen ${path}`);
    }
    return String(found);
  }
}

function streamOptions(step: Step): StreamOptions {
  const options = asked(StreamRunRequestSchema, step);
  // On the wire, false and absent are the same; to the client they are not.
  if (step.request?.["stream_resumable"] === false) {
    options["streamResumable"] = false;
  }
  return options as never;
}

function asked(schema: DescMessage, step: Step): Record<string, unknown> {
  return optionsOf(schema, messageFromJson(schema, step.request ?? {}));
}

function opened(given: Record<string, any>): ConnectOptions {
  return {
    apiKey: given["api_key"],
    tls: given["tls"],
    rootCertificates: given["root_certificates"] && readFileSync(given["root_certificates"]),
    patience: given["patience"],
    keepEvents: given["keep_events"],
    keepaliveTime: given["keepalive_time"],
    keepaliveTimeout: given["keepalive_timeout"],
  };
}
