/**
 * Requests made from plain values.
 *
 * Owns the translation of options into the messages of the API. The invariant: a mistake that can be seen here raises TypeError or RangeError with the option's
 * name before anything is sent; what is right or wrong beyond that, the server says.
 */

import { create } from "@bufbuild/protobuf";
import type { GenEnum } from "@bufbuild/protobuf/codegenv2";
import { type Duration, durationFromMs, DurationSchema } from "@bufbuild/protobuf/wkt";
import { type EventFilter, EventFilterSchema } from "./gen/graphwire/v1/event_pb.js";
import type { Json } from "./gen/graphwire/v1/json_pb.js";
import { PayloadFormatSchema } from "./gen/graphwire/v1/json_pb.js";
import {
  type Command as CommandMessage,
  CommandSchema,
  DisconnectModeSchema,
  DurabilitySchema,
  GotoSchema,
  IfNotExistsSchema,
  LangsmithTracerSchema,
  MultitaskStrategySchema,
  OnCompletionSchema,
  RunConfigSchema,
} from "./gen/graphwire/v1/run_pb.js";
import { type StateUpdate as UpdateMessage, StateUpdateSchema, type Superstep, SuperstepSchema } from "./gen/graphwire/v1/thread_pb.js";
import { optionalJson, toJson } from "./json.js";
import type { Command, Config, Filter, Goto, LangsmithTracer, Names, StateUpdate, StreamOptions } from "./options.js";
import { writeCheckpoint } from "./state.js";

export const format = pick(PayloadFormatSchema);

export const disconnect = pick(DisconnectModeSchema);

/** The options of a run by name, each with what makes its field. The three requests that create runs name their fields alike. */
const RUN = {
  assistantId: text,
  input: optionalJson,
  threadId: text,
  command,
  config,
  context: optionalJson,
  metadata: optionalJson,
  checkpointId: text,
  checkpoint: writeCheckpoint,
  interruptBefore: names,
  interruptAfter: names,
  streamMode: names,
  streamSubgraphs: flag,
  streamResumable: flag,
  durability: pick(DurabilitySchema),
  multitaskStrategy: pick(MultitaskStrategySchema),
  ifNotExists: pick(IfNotExistsSchema),
  onCompletion: pick(OnCompletionSchema),
  startAfter: span,
  timeout: span,
  webhook: text,
  feedbackKeys: names,
  langsmithTracer: tracer,
  requestId: text,
  requestIdTtl: span,
  payloadFormat: format,
};
const INVOKE = { ...RUN, onDisconnect: disconnect };
const STREAM = { ...INVOKE, filter };

type Makers = Readonly<Record<string, (value: any, name: string) => unknown>>;
type Fields<M extends Makers> = { -readonly [K in keyof M]?: ReturnType<M[K]> };

/** The fields of a request that creates a run in the background. */
export function runFields(options: object): Fields<typeof RUN> {
  return fieldsOf(options, RUN);
}

/** The fields of a request that creates a run and waits for it. */
export function invokeFields(options: object): Fields<typeof INVOKE> {
  return fieldsOf(options, INVOKE);
}

/** The fields of a request that creates a run and streams it. */
export function streamFields(options: StreamOptions): Fields<typeof STREAM> {
  return fieldsOf(options, STREAM);
}

/**
 * The fields that options stand for.
 *
 * @throws TypeError There is no such option, or JSON has no form for a value.
 * @throws RangeError A value of an option is not one of its names, or cannot be sent.
 */
export function fieldsOf<M extends Makers>(options: object, makers: M): Fields<M> {
  const fields: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options)) {
    const make = Object.hasOwn(makers, name) ? makers[name] : undefined;
    if (make === undefined) {
      throw new TypeError(`there is no option ${name}; there are ${Object.keys(makers).join(", ")}`);
    }
    if (value !== undefined) {
      fields[name] = make(value, name);
    }
  }
  return fields as Fields<M>;
}

/** What makes the number of an enum from a name of it, in small letters. */
export function pick<E extends number>(schema: GenEnum<E>): (value: string, name: string) => E {
  return (value, name) => {
    const known = schema.values.filter(({ number }) => number !== 0);
    const found = known.find(({ localName }) => localName.toLowerCase() === value);
    if (found === undefined) {
      throw new RangeError(`${name}: ${JSON.stringify(value)} is not one of ${known.map(({ localName }) => localName.toLowerCase()).join(", ")}`);
    }
    return found.number as E;
  };
}

/** One name or several, as a list. A plain string is one name, not its letters. */
export function names(value: Names): string[] {
  return typeof value === "string" ? [value] : [...value];
}

export function text(value: string, name: string): string {
  if (typeof value !== "string") {
    throw new TypeError(`${name} must be a string, not ${typeof value}`);
  }
  return value;
}

export function flag(value: boolean, name: string): boolean {
  if (typeof value !== "boolean") {
    throw new TypeError(`${name} must be a boolean, not ${typeof value}`);
  }
  return value;
}

export function integer(value: number, name: string): number {
  if (!Number.isSafeInteger(value)) {
    throw new TypeError(`${name} must be an integer, not ${value}`);
  }
  return value;
}

/** A cursor, as int64. */
export function cursor(value: number, name: string): bigint {
  return BigInt(integer(value, name));
}

/** The filter of a stream. */
export function filter(value: Filter): EventFilter {
  return create(EventFilterSchema, fieldsOf(value, { modes: names, namespaces: names, nodes: names, tags: names }));
}

/** What the nodes of one superstep have returned; `name` is its place, for errors. */
export function superstep(updates: readonly StateUpdate[], name: string): Superstep {
  return create(SuperstepSchema, { updates: updates.map((update, index) => stateUpdate(update, `${name}.updates[${index}]`)) });
}

function stateUpdate(value: StateUpdate, name: string): UpdateMessage {
  return create(StateUpdateSchema, {
    values: optionalJson(value.values, `${name}.values`),
    asNode: value.asNode,
    command: value.command && command(value.command, `${name}.command`),
  });
}

function command(value: Command, name: string): CommandMessage {
  const json = (item: unknown, key: string): Json => toJson(item, `${name}.${key}`);
  const several = (item: string | Goto | readonly (string | Goto)[]) => [item].flat().map((each) => goto(each as string | Goto, `${name}.goto`));
  return create(CommandSchema, fieldsOf(value, { resume: json, update: json, goto: several }));
}

function goto(value: Goto | string, name: string) {
  const { node, input } = typeof value === "string" ? { node: value } : value;
  return create(GotoSchema, { node, input: optionalJson(input, `${name}.input`) });
}

export function config(value: Config) {
  const json = (item: unknown, key: string): Json => toJson(item, `config.${key}`);
  const makers = { tags: names, recursionLimit: integer, configurable: json, metadata: json, maxConcurrency: integer, runName: text };
  return create(RunConfigSchema, fieldsOf(value, makers));
}

function tracer(value: LangsmithTracer) {
  return create(LangsmithTracerSchema, fieldsOf(value, { projectName: text, exampleId: text }));
}

/** A length of time. Whether it is one that can be meant, such as more than 0, the server says. */
export function span(value: number, name: string): Duration {
  if (typeof value !== "number" || !(Math.abs(value) <= 315_576_000_000)) {
    throw new RangeError(`${name}: ${value} is not a number of seconds that can be sent`);
  }
  return Number.isInteger(value) ? create(DurationSchema, { seconds: BigInt(value) }) : durationFromMs(value * 1000);
}
