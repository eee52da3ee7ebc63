/**
 * Requests of cases, which are messages, as the options that a program would write.
 */

import { type DescField, type DescMessage, isFieldSet, type Message } from "@bufbuild/protobuf";
import type { Duration } from "@bufbuild/protobuf/wkt";
import { fromJson } from "../src/index.js";
import type { Json } from "../src/v1.js";

/** The fields of a message that are set, as options: plain values for JSON, names for enums, seconds for lengths of time. */
export function optionsOf(schema: DescMessage, message: Message): Record<string, unknown> {
  const set = schema.fields.filter((field) => isFieldSet(message, field));
  return Object.fromEntries(set.map((field) => [field.localName, option(field, (message as unknown as Record<string, unknown>)[field.localName])]));
}

function option(field: DescField, value: unknown): unknown {
  if (field.fieldKind === "list") {
    const { message } = field;
    return message === undefined ? value : (value as Message[]).map((item) => nested(message, item));
  }
  if (field.fieldKind === "message") {
    return nested(field.message, value as Message);
  }
  if (field.fieldKind === "enum") {
    return field.enum.value[value as number]?.localName.toLowerCase() ?? value;
  }
  return typeof value === "bigint" ? Number(value) : value;
}

function nested(schema: DescMessage, value: Message): unknown {
  switch (schema.typeName) {
    case "graphwire.v1.Json":
      return json(value as Json);
    case "google.protobuf.Duration":
      return Number((value as Duration).seconds) + (value as Duration).nanos / 1e9;
    case "graphwire.v1.Superstep":
      return optionsOf(schema, value)["updates"];
    default:
      return optionsOf(schema, value);
  }
}

/** Text goes the way of a program's own values; protobuf's values, which programs do not write, go as they are. */
function json(carrier: Json): unknown {
  return carrier.kind.case === "text" ? fromJson(carrier) : carrier;
}
