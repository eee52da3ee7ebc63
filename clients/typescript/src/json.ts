/**
 * JSON on its way through the API, in both directions.
 *
 * Owns the two translations: plain values to and from the carrier `Json`. The invariant: integers are exact at any size. Those within 2^53 are
 * numbers, all others bigints, and both are sent as what they are.
 */

import { create, isMessage } from "@bufbuild/protobuf";
import type { Value } from "@bufbuild/protobuf/wkt";
import { type Json, JsonSchema } from "./gen/graphwire/v1/json_pb.js";

/** Sixteen digits in a row may be an integer that a number cannot hold; text without them needs no second look. */
const LONG = /\d{16}/;
const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const INTEGER = /^-?[1-9]\d*$/;

/**
 * The value of JSON text.
 *
 * @param text One JSON value.
 * @returns Plain values; an integer beyond ±(2^53 - 1) is a bigint, all other numbers are numbers.
 * @throws SyntaxError The text is not one JSON value.
 */
export function parseJson(text: string): any {
  return LONG.test(text) ? JSON.parse(marked(text), revived) : JSON.parse(text);
}

/**
 * JSON text of a value, with integers of any size.
 *
 * @param value What JSON has a form for, and bigints. An object with `toJSON`, such as a Date, is what that returns; properties that are undefined are left
 * out, as JSON.stringify does.
 * @param name What the value is, for the error.
 * @throws TypeError JSON has no form for something in it: NaN, an infinity, a function, a Map, undefined in an array, or a circle.
 */
export function stringifyJson(value: unknown, name = "value"): string {
  return written(value, name, new Set());
}

/**
 * The value that a `Json` carries; undefined where it is absent or carries nothing.
 *
 * In the form `value` all numbers are doubles: those without a fraction are integers, and those beyond 2^53 bigints.
 */
export function fromJson(carrier: Json | undefined): any {
  switch (carrier?.kind.case) {
    case "text":
      return parseJson(carrier.kind.value);
    case "value":
      return plain(carrier.kind.value);
    default:
      return undefined;
  }
}

/**
 * A value as `Json` text. A `Json` message is passed through.
 *
 * @throws TypeError As `stringifyJson`.
 */
export function toJson(value: unknown, name = "value"): Json {
  if (isMessage(value, JsonSchema)) {
    return value;
  }
  return create(JsonSchema, { kind: { case: "text", value: stringifyJson(value, name) } });
}

/** JSON that may be absent: undefined stays undefined, null is JSON null. */
export function optionalJson(value: unknown, name: string): Json | undefined {
  return value === undefined ? undefined : toJson(value, name);
}

/**
 * The text with every integer that a number cannot hold as a text of its own, which begins with NUL and `i`. Texts that begin with NUL by themselves get NUL
 * and `s` before them. (What JSON.parse tells a reviver about the source would do as well, from Node 21 on.)
 */
function marked(text: string): string {
  const parts: string[] = [];
  let at = 0;
  while (at < text.length) {
    const quote = text.indexOf('"', at);
    const between = text.slice(at, quote < 0 ? text.length : quote);
    parts.push(between.replace(NUMBER, (digits, place: number) => markedNumber(digits, between.slice(place + digits.length))));
    if (quote < 0) {
      break;
    }
    at = stringEnd(text, quote);
    parts.push(markedString(text.slice(quote, at), text, at));
  }
  return parts.join("");
}

/** A colon behind it makes a number a key, which it must not be: JSON.parse shall say so. */
function markedNumber(digits: string, rest: string): string {
  const large = INTEGER.test(digits) && !Number.isSafeInteger(Number(digits)) && !/^\s*:/.test(rest);
  return large ? `"\\u0000i${digits}"` : digits;
}

/** Keys stay as they are: the reviver sees values only. */
function markedString(literal: string, text: string, end: number): string {
  const key = (): boolean => /^\s*:/.test(text.slice(end, end + 64));
  return literal.startsWith('"\\u0000') && !key() ? `"\\u0000s${literal.slice(1)}` : literal;
}

/** Where the string that opens at `quote` is over. */
function stringEnd(text: string, quote: number): number {
  let at = quote;
  for (;;) {
    at = text.indexOf('"', at + 1);
    if (at < 0) {
      return text.length;
    }
    let slashes = 0;
    while (text[at - 1 - slashes] === "\\") {
      slashes += 1;
    }
    if (slashes % 2 === 0) {
      return at + 1;
    }
  }
}

function revived(_key: string, value: unknown): unknown {
  if (typeof value !== "string" || value.charCodeAt(0) !== 0) {
    return value;
  }
  return value[1] === "i" ? BigInt(value.slice(2)) : value.slice(2);
}

function plain(value: Value): any {
  switch (value.kind.case) {
    case "numberValue":
      return whole(value.kind.value);
    case "stringValue":
    case "boolValue":
      return value.kind.value;
    case "listValue":
      return value.kind.value.values.map(plain);
    case "structValue":
      return Object.fromEntries(Object.entries(value.kind.value.fields).map(([key, item]) => [key, plain(item)]));
    default:
      return null;
  }
}

function whole(value: number): number | bigint {
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? BigInt(value) : value;
}

function written(value: unknown, path: string, above: Set<object>): string {
  switch (typeof value) {
    case "string":
    case "boolean":
      return JSON.stringify(value);
    case "bigint":
      return value.toString();
    case "number":
      return finite(value, path);
    case "object":
      return value === null ? "null" : writtenObject(value, path, above);
    default:
      throw new TypeError(`${path}: JSON has no form for ${typeof value}`);
  }
}

function finite(value: number, path: string): string {
  if (!Number.isFinite(value)) {
    throw new TypeError(`${path}: JSON has no form for ${value}`);
  }
  return JSON.stringify(value);
}

function writtenObject(value: object, path: string, above: Set<object>): string {
  if ("toJSON" in value && typeof value.toJSON === "function") {
    return written(value.toJSON(), path, above);
  }
  if (above.has(value)) {
    throw new TypeError(`${path}: JSON has no form for a circle`);
  }
  above.add(value);
  const text = Array.isArray(value) ? writtenArray(value, path, above) : writtenRecord(value, path, above);
  above.delete(value);
  return text;
}

function writtenArray(value: unknown[], path: string, above: Set<object>): string {
  return `[${Array.from(value, (item, index) => written(item, `${path}[${index}]`, above)).join(",")}]`;
}

function writtenRecord(value: object, path: string, above: Set<object>): string {
  if (value instanceof Map || value instanceof Set || ArrayBuffer.isView(value)) {
    throw new TypeError(`${path}: JSON has no form for ${value.constructor.name}`);
  }
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${written(item, `${path}.${key}`, above)}`).join(",")}}`;
}
