/**
 * Whole messages out of the pieces that a stream brings.
 *
 * Owns the joining, as clients/README.md, point 10, says. The invariant: fed with all events of a stream, it has every message once, also where a run was taken
 * up again and its messages came twice.
 */

import type { Event } from "./event.js";
import type { MessagesEvent, ToolCall as CallMessage, ToolCallChunk, TokenUsage as UsageMessage } from "./gen/graphwire/v1/event_pb.js";
import type { Json } from "./gen/graphwire/v1/json_pb.js";
import { fromJson, stringifyJson } from "./json.js";

/** A tool call of a message. */
export interface ToolCall {
  /** Which call of the message it is, from 0; undefined where the model does not say. */
  readonly index: number | undefined;
  readonly id: string;
  /** The tool's name. */
  readonly name: string;
  /** The arguments as JSON text; while the message is being written, its beginning. `parseJson` reads it. */
  readonly args: string;
}

/** Tokens that a model call used. */
export interface TokenUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly totalTokens: number;
  /** Finer counts, where the model gives them. */
  readonly details: any;
}

/** A message, as far as it has come. It is updated while pieces come. */
export interface GatheredMessage {
  readonly id: string;
  /** The run that wrote it: a UUID. */
  readonly runId: string;
  /** LangChain's message type: `ai`, `human`, `tool`, `system`, ... */
  readonly type: string;
  /** The name of the author, where the message has one. */
  readonly name: string;
  readonly text: string;
  /** The reasoning text, of models that show theirs. */
  readonly reasoning: string;
  /** Content that is neither text nor reasoning, as the model gave it. */
  readonly contentBlocks: readonly any[];
  readonly toolCalls: readonly ToolCall[];
  readonly usage: TokenUsage | undefined;
  /** Why the model stopped; empty until it has, or where it does not say. */
  readonly finishReason: string;
  /** For a message of type `tool`: the call that it answers. */
  readonly toolCallId: string;
  /** Whether it is a message that no model streamed, such as a tool's answer. */
  readonly complete: boolean;
  /** The node that called the model, or returned the message. */
  readonly node: string;
  /** The superstep in which it did. */
  readonly step: number;
  /** Tags of the model call. */
  readonly tags: readonly string[];
  /** The model's name, where it is known. */
  readonly model: string;
  /** The namespace of the node's task. */
  readonly checkpointNs: string;
  /** The subgraph that it comes from; empty for the root graph. */
  readonly namespace: readonly string[];
  /** All metadata of the model call. */
  readonly metadata: any;
  /** Fields of the message that are none of the above. */
  readonly extra: any;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };
type Growing = Writable<Omit<GatheredMessage, "toolCalls" | "contentBlocks">> & { toolCalls: Writable<ToolCall>[]; contentBlocks: any[] };

interface Gathered {
  readonly message: Growing;
  readonly attempt: number;
  /** The tool call that the last piece belonged to. */
  call: Writable<ToolCall> | undefined;
}

/** Gathers the messages of a stream, in the order in which they began. */
export class MessageGatherer {
  readonly #messages = new Map<string, Gathered>();
  readonly #attempts = new Map<string, number>();

  /** The messages so far. */
  get messages(): GatheredMessage[] {
    return Array.from(this.#messages.values(), ({ message }) => message);
  }

  /**
   * Takes the next event of a stream; all of them, since `metadata` says where a run begins anew.
   *
   * @returns The message that the event is a piece of, as far as it has come; undefined for all other events.
   */
  add(event: Event): GatheredMessage | undefined {
    if (event.mode === "metadata") {
      this.#attempts.set(event.runId, event.message.attempt);
    }
    return event.mode === "messages" ? this.#piece(event) : undefined;
  }

  #piece(event: Event<"messages">): GatheredMessage {
    const attempt = this.#attempts.get(event.runId) ?? 0;
    const key = `${event.runId} ${event.message.id}`;
    let gathered = this.#messages.get(key);
    if (gathered === undefined || gathered.attempt < attempt) {
      gathered = { message: begun(event), attempt, call: undefined };
      this.#messages.set(key, gathered);
    }
    extend(gathered, event.message);
    return gathered.message;
  }
}

function begun(event: Event<"messages">): Growing {
  const { id, complete, step } = event.message;
  return {
    id,
    runId: event.runId,
    type: "",
    name: "",
    text: "",
    reasoning: "",
    contentBlocks: [],
    toolCalls: [],
    usage: undefined,
    finishReason: "",
    toolCallId: "",
    complete,
    node: "",
    step,
    tags: [],
    model: "",
    checkpointNs: "",
    namespace: event.namespace,
    metadata: undefined,
    extra: undefined,
  };
}

function extend(gathered: Gathered, piece: MessagesEvent): void {
  const { message } = gathered;
  message.text += piece.text;
  message.reasoning += piece.reasoning;
  message.contentBlocks.push(...piece.contentBlocks.map(fromJson));
  message.usage = piece.usage === undefined ? message.usage : usage(piece.usage);
  message.finishReason = piece.finishReason || message.finishReason;
  for (const name of ["type", "name", "toolCallId", "node", "model", "checkpointNs"] as const) {
    message[name] ||= piece[name];
  }
  message.tags = message.tags.length > 0 ? message.tags : piece.tags;
  message.metadata ??= fromJson(piece.metadata);
  message.extra ??= fromJson(piece.extra);
  for (const chunk of piece.toolCallChunks) {
    addChunk(gathered, chunk);
  }
  message.toolCalls.push(...piece.toolCalls.map((call, index) => whole(call, message.toolCalls.length + index)));
}

function addChunk(gathered: Gathered, chunk: ToolCallChunk): void {
  const { toolCalls } = gathered.message;
  let call = chunk.index === undefined ? gathered.call : toolCalls.find(({ index }) => index === chunk.index);
  if (call === undefined) {
    call = { index: chunk.index, id: "", name: "", args: "" };
    toolCalls.push(call);
  }
  call.id ||= chunk.id;
  call.name ||= chunk.name;
  call.args += chunk.args;
  gathered.call = call;
}

function whole(call: CallMessage, index: number): ToolCall {
  return { index, id: call.id, name: call.name, args: jsonText(call.args) };
}

function jsonText(carrier: Json | undefined): string {
  return carrier?.kind.case === "text" ? carrier.kind.value : stringifyJson(fromJson(carrier) ?? null);
}

function usage(message: UsageMessage): TokenUsage {
  return {
    inputTokens: Number(message.inputTokens),
    outputTokens: Number(message.outputTokens),
    totalTokens: Number(message.totalTokens),
    details: fromJson(message.details),
  };
}
