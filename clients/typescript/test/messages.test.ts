/** Whole messages from their pieces: clients/README.md, point 10. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { viewOf } from "../src/event.js";
import { type Event, MessageGatherer, toJson } from "../src/index.js";
import { type MessagesEventSchema, StreamEventSchema } from "../src/v1.js";

function piece(id: string, init: MessageInitShape<typeof MessagesEventSchema> = {}, runId = "r"): Event {
  return viewOf(create(StreamEventSchema, { runId, payload: { case: "messages", value: { ...init, id } as never } }));
}

function attempt(number: number, runId = "r"): Event {
  return viewOf(create(StreamEventSchema, { runId, payload: { case: "metadata", value: { attempt: number } } }));
}

function gathered(...events: Event[]) {
  const gatherer = new MessageGatherer();
  for (const event of events) {
    gatherer.add(event);
  }
  return gatherer.messages;
}

test("texts and reasoning are concatenated by id, in the order in which messages began", () => {
  const messages = gathered(piece("a", { text: "Hel", reasoning: "so" }), piece("b", { text: "other" }), piece("a", { text: "lo", reasoning: "me" }));

  assert.deepEqual(messages.map(({ id, text, reasoning }) => [id, text, reasoning]), [["a", "Hello", "some"], ["b", "other", ""]]);
});

test("usage and finish reason are the last, all else the first that came", () => {
  const [message] = gathered(
    piece("a", { type: "ai", node: "tell", step: 3, model: "m", tags: ["t"], metadata: toJson({ k: 2n ** 60n }), usage: { inputTokens: 1n } }),
    piece("a", { type: "human", node: "other", step: 4, model: "n", tags: ["u"], usage: { inputTokens: 7n, totalTokens: 9n }, finishReason: "stop", name: "Ada" }),
    piece("a", {}),
  );

  assert.deepEqual(
    [message?.type, message?.node, message?.step, message?.model, message?.tags, message?.metadata, message?.name, message?.finishReason],
    ["ai", "tell", 3, "m", ["t"], { k: 2n ** 60n }, "Ada", "stop"],
  );
  assert.deepEqual([message?.usage?.inputTokens, message?.usage?.totalTokens], [7, 9]);
});

test("pieces of tool calls are joined by index, and one without belongs to the call before it", () => {
  const [message] = gathered(
    piece("a", { toolCallChunks: [{ index: 0, id: "c0", name: "search", args: '{"q' }] }),
    piece("a", { toolCallChunks: [{ index: 1, id: "c1", args: "{" }, { args: '"x":1' }] }),
    piece("a", { toolCallChunks: [{ index: 0, id: "late", args: '":1}' }, { index: 1, name: "add", args: "}" }] }),
  );

  assert.deepEqual(message?.toolCalls, [
    { index: 0, id: "c0", name: "search", args: '{"q":1}' },
    { index: 1, id: "c1", name: "add", args: '{"x":1}' },
  ]);
});

test("whole messages have whole tool calls and content", () => {
  const toolCalls = [{ id: "c", name: "n", args: toJson({ a: 1 }) }, { id: "d", name: "n" }];
  const [message] = gathered(piece("t", { complete: true, contentBlocks: [toJson({ type: "image" })], toolCalls }));

  assert.equal(message?.complete, true);
  assert.deepEqual(message?.contentBlocks, [{ type: "image" }]);
  assert.deepEqual(message?.toolCalls, [{ index: 0, id: "c", name: "n", args: '{"a":1}' }, { index: 1, id: "d", name: "n", args: "null" }]);
});

test("a later attempt at the run starts its messages anew, and those of other runs stay", () => {
  const messages = gathered(
    attempt(1),
    piece("a", { text: "twi" }),
    piece("b", { text: "kept" }),
    piece("a", { text: "else" }, "other"),
    attempt(2),
    piece("a", { text: "once" }),
    piece("a", { text: "!" }),
  );

  assert.deepEqual(messages.map(({ runId, id, text }) => [runId, id, text]), [["r", "a", "once!"], ["r", "b", "kept"], ["other", "a", "else"]]);
});

test("add returns the message as far as it has come", () => {
  const gatherer = new MessageGatherer();

  assert.equal(gatherer.add(attempt(1)), undefined);
  assert.equal(gatherer.add(piece("a", { text: "x" }))?.text, "x");
  assert.equal(gatherer.add(piece("a", { text: "y" }))?.text, "xy");
});
