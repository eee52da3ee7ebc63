/**
 * The one error that a call of the service raises.
 *
 * Owns the way from a gRPC status to it, with all that its details say. A graph that fails is not here: it is data. The invariant: programs branch on `code`
 * or `reason`, never on the text.
 */

import { fromBinary } from "@bufbuild/protobuf";
import type { Any, Duration } from "@bufbuild/protobuf/wkt";
import { status as codes, type StatusObject } from "@grpc/grpc-js";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema, StatusSchema } from "./gen/rpc_status_pb.js";

const DETAILS = "grpc-status-details-bin";
const DOMAIN = "graphwire";

/** gRPC's name of a status. */
export type Code = Exclude<keyof typeof codes, "OK">;

/** A field of a request that is wrong. */
export interface FieldViolation {
  /** Its path in the request, such as `config.recursion_limit`, with the names of the .proto files. */
  readonly field: string;
  /** What is wrong, and what it should be. */
  readonly description: string;
}

/** What an error knows, beside its text. */
export interface ErrorFacts {
  readonly code: Code;
  readonly reason?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly fields?: readonly FieldViolation[];
  readonly retryAfter?: number | undefined;
  readonly cause?: unknown;
}

/**
 * The service failed the call, and `cause` is what gRPC says of it; or the caller left it: then `code` is CANCELLED (DEADLINE_EXCEEDED where the signal is that
 * of `AbortSignal.timeout`), and `cause` the signal's reason.
 */
export class GraphwireError extends Error {
  /** gRPC's name of the status, such as `NOT_FOUND`. */
  readonly code: Code;
  /** The stable name of the situation, such as `RUN_NOT_FOUND`; empty where the service did not say. The enum ErrorReason lists them. */
  readonly reason: string;
  /** Facts for programs, as text. */
  readonly metadata: Readonly<Record<string, string>>;
  /** The fields that are wrong; empty for other errors. */
  readonly fields: readonly FieldViolation[];
  /** Seconds to wait before the call is made again; undefined where the service did not say. */
  readonly retryAfter: number | undefined;

  constructor(message: string, facts: ErrorFacts) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = "GraphwireError";
    this.code = facts.code;
    this.reason = facts.reason ?? "";
    this.metadata = facts.metadata ?? {};
    this.fields = facts.fields ?? [];
    this.retryAfter = facts.retryAfter;
  }
}

/** The error that a failed call means; `cause` is gRPC's own, whose stack says where the call was made. */
export function fromStatus(status: StatusObject, cause: unknown): GraphwireError {
  const code = nameOf(status.code);
  return new GraphwireError(status.details || code, { code, cause, ...detailsOf(status) });
}

/** Something that the contract promises did not come. To go on from the last event is safe. */
export function cut(message: string, cause?: unknown): GraphwireError {
  return new GraphwireError(message, { code: "DATA_LOSS", reason: "STREAM_CUT", cause });
}

/** The caller's signal ended the call. */
export function aborted(signal: AbortSignal): GraphwireError {
  const cause: unknown = signal.reason;
  const late = cause instanceof DOMException && cause.name === "TimeoutError";
  return late
    ? new GraphwireError("the caller's time limit passed", { code: "DEADLINE_EXCEEDED", cause })
    : new GraphwireError("the caller cancelled the call", { code: "CANCELLED", cause });
}

/** The client was closed while the call was under way, or before it. */
export function closed(): GraphwireError {
  return new GraphwireError("the call was cut off: the client was closed", { code: "CANCELLED" });
}

function nameOf(code: number): Code {
  return code !== codes.OK && code in codes ? (codes[code] as Code) : "UNKNOWN";
}

function detailsOf(status: StatusObject): Omit<ErrorFacts, "code"> {
  const [bytes] = status.metadata.get(DETAILS);
  if (!(bytes instanceof Buffer)) {
    return {};
  }
  try {
    return Object.assign({}, ...fromBinary(StatusSchema, bytes).details.map(factsOf));
  } catch {
    return {}; // Not a google.rpc.Status: code and text are all that there is to know.
  }
}

function factsOf(detail: Any): Partial<ErrorFacts> {
  switch (detail.typeUrl.slice(detail.typeUrl.lastIndexOf("/") + 1)) {
    case "google.rpc.ErrorInfo": {
      const { domain, reason, metadata } = fromBinary(ErrorInfoSchema, detail.value);
      return domain === DOMAIN ? { reason, metadata } : {};
    }
    case "google.rpc.BadRequest":
      return { fields: fromBinary(BadRequestSchema, detail.value).fieldViolations.map(({ field, description }) => ({ field, description })) };
    case "google.rpc.RetryInfo":
      return { retryAfter: seconds(fromBinary(RetryInfoSchema, detail.value).retryDelay) };
    default:
      return {};
  }
}

function seconds(span: Duration | undefined): number | undefined {
  return span && Number(span.seconds) + span.nanos / 1e9;
}
