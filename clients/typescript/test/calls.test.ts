/** Calls that do not stream: what they send, what they return, what they raise. clients/README.md, points 1 and 12. */

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { status } from "@grpc/grpc-js";
import { connect, fromJson, GraphwireError, toJson } from "../src/index.js";
import { RunService } from "../src/v1.js";
import { fails, RUN, Scripted, THREAD } from "./scripted.js";

const servers: Scripted[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.stop();
  }
});

async function scripted(...answers: object[]): Promise<Scripted> {
  const server = await Scripted.start(...answers);
  servers.push(server);
  return server;
}

test("an error has all that the service says", async () => {
  const fields = [{ field: "config.recursion_limit", description: "must be 1 or more" }];
  const server = await scripted(fails(status.INVALID_ARGUMENT, { reason: "INVALID_FIELD", metadata: { field: "x" }, fields, retryAfter: 1.5 }));
  using client = server.client();

  await assert.rejects(client.runs.get(RUN), (error: GraphwireError) => {
    assert.ok(error instanceof GraphwireError && error instanceof Error);
    assert.deepEqual([error.name, error.code, error.reason, error.message], ["GraphwireError", "INVALID_ARGUMENT", "INVALID_FIELD", "failed with 3"]);
    assert.deepEqual([error.metadata, error.fields, error.retryAfter], [{ field: "x" }, fields, 1.5]);
    assert.match((error.cause as Error).stack ?? "", /calls\.test\.js/);
    return true;
  });
});

test("details that nobody can read are passed over", async () => {
  const failure = fails(status.NOT_FOUND);
  failure.metadata?.set("grpc-status-details-bin", Buffer.from([0xff, 0xff]));
  const server = await scripted(failure);
  using client = server.client();

  await assert.rejects(client.runs.get(RUN), { code: "NOT_FOUND", reason: "", fields: [] });
});

test("reads are repeated by gRPC, what creates is not", async () => {
  const away = fails(status.UNAVAILABLE);
  const server = await scripted(away, away, { run: { runId: RUN, status: 99 } }, away);
  using client = server.client();

  assert.equal((await client.runs.get(RUN)).status, 99);
  await assert.rejects(client.create({ assistantId: "agent" }), { code: "UNAVAILABLE" });

  assert.deepEqual(server.called.map(({ method }) => method), ["GetRun", "GetRun", "GetRun", "CreateRun"]);
});

test("every call carries the key and the metadata", async () => {
  const server = await scripted({ run: { runId: RUN } }, { metadata: {}, end: "hang" });
  using client = server.client({ apiKey: "secret", metadata: { tenant: "a" } });

  await client.runs.get(RUN);
  await client.stream({ assistantId: "agent" }).started();

  assert.deepEqual(server.called.map(({ metadata }) => [metadata.get("x-api-key"), metadata.get("tenant")]), [[["secret"], ["a"]], [["secret"], ["a"]]]);
});

test("all options of a run are sent", async () => {
  const server = await scripted({ run: { runId: RUN } });
  using client = server.client();

  await client.create({
    assistantId: "agent",
    input: null,
    threadId: THREAD,
    command: { resume: null, update: { a: 1n }, goto: ["next", { node: "other", input: 2n ** 64n }] },
    config: { tags: "t", recursionLimit: 3, configurable: {}, metadata: { m: 1 }, maxConcurrency: 2, runName: "name" },
    context: { tone: "plain" },
    metadata: { k: "v" },
    checkpointId: "c",
    checkpoint: { checkpointId: "c", checkpointNs: "ns", checkpointMap: { "": "c" } },
    interruptBefore: "*",
    interruptAfter: ["a", "b"],
    streamMode: "updates",
    streamSubgraphs: true,
    streamResumable: true,
    durability: "exit",
    multitaskStrategy: "rollback",
    ifNotExists: "create",
    onCompletion: "keep",
    startAfter: 90,
    timeout: 1.25,
    webhook: "https://example.com",
    feedbackKeys: ["good"],
    langsmithTracer: { projectName: "p" },
    requestId: "key",
    requestIdTtl: 60,
    payloadFormat: "text",
  });

  const { request } = server.called[0] ?? {};
  assert.deepEqual([fromJson(request.input), fromJson(request.command.resume), fromJson(request.command.update)], [null, null, { a: 1 }]);
  assert.deepEqual(request.command.goto.map((goto: any) => [goto.node, fromJson(goto.input)]), [["next", undefined], ["other", 2n ** 64n]]);
  assert.deepEqual([request.config.tags, request.config.recursionLimit, request.config.maxConcurrency, request.config.runName], [["t"], 3, 2, "name"]);
  assert.deepEqual([fromJson(request.context), fromJson(request.metadata), fromJson(request.config.metadata)], [{ tone: "plain" }, { k: "v" }, { m: 1 }]);
  assert.deepEqual([request.checkpoint.checkpointNs, fromJson(request.checkpoint.checkpointMap)], ["ns", { "": "c" }]);
  assert.deepEqual([request.interruptBefore, request.interruptAfter], [["*"], ["a", "b"]]);
  assert.deepEqual([request.streamMode, request.feedbackKeys], [["updates"], ["good"]]);
  assert.deepEqual([request.durability, request.multitaskStrategy, request.ifNotExists, request.onCompletion], [3, 4, 2, 2]);
  assert.deepEqual([request.startAfter.seconds, request.timeout.seconds, request.timeout.nanos], [90n, 1n, 250_000_000]);
  assert.deepEqual([request.requestId, request.requestIdTtl.seconds, request.payloadFormat], ["key", 60n, 1]);
  assert.deepEqual([request.streamSubgraphs, request.streamResumable, request.langsmithTracer.projectName], [true, true, "p"]);
  assert.equal(request.webhook, "https://example.com");
});

const MISTAKES: [string, object, RegExp][] = [
  ["an option that does not exist", { stream_mode: "values" }, /TypeError: there is no option stream_mode/],
  ["an option of another call", { onDisconnect: "cancel" }, /TypeError: there is no option onDisconnect/],
  ["a name that is none", { durability: "never" }, /RangeError: durability: "never" is not one of sync, async, exit/],
  ["an unspecified value", { durability: "unspecified" }, /RangeError: durability/],
  ["a key that does not exist", { config: { recursion_limit: 1 } }, /TypeError: there is no option recursion_limit/],
  ["a time that is none", { timeout: Number.NaN }, /RangeError: timeout/],
  ["a number for a text", { threadId: 5 }, /TypeError: threadId must be a string/],
  ["a text for a flag", { streamSubgraphs: "yes" }, /TypeError: streamSubgraphs must be a boolean/],
  ["what JSON has no form for", { metadata: { a: Number.NaN } }, /TypeError: metadata\.a: JSON has no form for NaN/],
  ["a number that its field cannot hold", { config: { recursionLimit: 2 ** 40 } }, /invalid int32/],
];

for (const [what, options, expected] of MISTAKES) {
  test(`${what} is told before anything is sent`, async () => {
    const server = await scripted();
    using client = server.client();

    await assert.rejects(client.create({ assistantId: "agent", ...options } as never), (error) => expected.test(String(error)));

    assert.equal(server.called.length, 0);
  });
}

test("lists fetch page after page, as far as they are read", async () => {
  const first = { runs: [{ runId: "1" }, { runId: "2" }], nextPageToken: "more" };
  const server = await scripted(first, { runs: [{ runId: "3" }] }, first);
  using client = server.client();

  const all: string[] = [];
  for await (const run of client.runs.list(THREAD, { status: "success" })) {
    all.push(run.runId);
  }
  for await (const _first of client.runs.list(THREAD)) {
    break;
  }

  assert.deepEqual(all, ["1", "2", "3"]);
  const asked = server.called.map(({ request }) => [request.pageToken, request.pageSize, request.status]);
  assert.deepEqual(asked, [["", 100, 3], ["more", 100, 3], ["", 100, 0]]);
});

test("assistants are made, changed and listed with all their options", async () => {
  const made = { assistant: { assistantId: THREAD, graphId: "agent", version: 1 } };
  const server = await scripted(made, made, { versions: [made.assistant] });
  using client = server.client();
  const { assistants } = client;

  const parts = { name: "n", description: "d", config: { recursionLimit: 3 }, context: { a: 1 }, metadata: {} };
  await assistants.create({ graphId: "agent", assistantId: THREAD, ifExists: "keep", ...parts });
  await assistants.update(THREAD, { description: "", metadata: { b: null } });
  for await (const version of assistants.versions(THREAD, { metadata: { a: 1 }, pageSize: 5 })) {
    assert.equal(version.version, 1);
  }

  const [create, update, versions] = server.called.map(({ request }) => request);
  assert.deepEqual([create.graphId, create.assistantId, create.ifExists, create.name, create.description], ["agent", THREAD, 2, "n", "d"]);
  assert.deepEqual([create.config.recursionLimit, fromJson(create.context), fromJson(create.metadata)], [3, { a: 1 }, {}]);
  assert.deepEqual([update.assistantId, update.description, update.name, fromJson(update.metadata)], [THREAD, "", undefined, { b: null }]);
  assert.deepEqual([versions.assistantId, versions.pageSize, fromJson(versions.metadata)], [THREAD, 5, { a: 1 }]);
});

test("any call can be made with its generated method", async () => {
  const server = await scripted({ runs: [{ runId: RUN }] });
  using client = server.client();

  const { runs } = await client.call(RunService.method.batchCreateRuns, { requests: [{ assistantId: "agent", input: toJson(1) }] });

  assert.equal(runs[0]?.runId, RUN);
});

test("cancelMany wants to know what is meant", async () => {
  const server = await scripted({ runIds: [RUN] });
  using client = server.client();

  await assert.rejects(client.runs.cancelMany({}), TypeError);
  await assert.rejects(client.runs.cancelMany({ status: "all", runIds: [RUN] }), TypeError);
  assert.deepEqual(await client.runs.cancelMany({ status: "all" }), [RUN]);

  assert.equal(server.called[0]?.request.status, 0);
});

test("a client that cannot be opened as asked says so", () => {
  assert.throws(() => connect("localhost:1", { certificateChain: "x" }), TypeError);
  assert.throws(() => connect("localhost:1", { patience: -1 }), RangeError);
  assert.throws(() => connect("localhost:1", { keepaliveTime: Number.NaN }), RangeError);
});
