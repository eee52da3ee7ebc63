/** How a stream goes on: clients/README.md, points 3 to 7. */

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { status } from "@grpc/grpc-js";
import { type Event, GraphwireError, type RunStream, type ThreadStream } from "../src/index.js";
import { type Answer, custom, end, fails, type Failure, pieces, RUN, Scripted, THREAD } from "./scripted.js";

const ASKED = { assistantId: "agent", input: { n: 1 } };
const servers: Scripted[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.stop();
  }
});

async function scripted(...answers: (Answer | Failure)[]): Promise<Scripted> {
  const server = await Scripted.start(...answers);
  servers.push(server);
  return server;
}

async function read(stream: RunStream | ThreadStream): Promise<{ events: Event[]; error: GraphwireError | undefined }> {
  const events: Event[] = [];
  try {
    for await (const event of stream) {
      events.push(event);
    }
  } catch (error) {
    assert.ok(error instanceof GraphwireError, String(error));
    return { events, error };
  }
  return { events, error: undefined };
}

const seqs = (events: Event[]): number[] => events.map(({ seq }) => seq);

test("a call that breaks before the server has taken it is made again, with the same key", async () => {
  const server = await scripted({ metadata: null, end: fails(status.UNAVAILABLE) }, { events: [custom(1), end(2)] });
  using client = server.client();

  const { events, error } = await read(client.stream(ASKED));

  assert.equal(error, undefined);
  assert.deepEqual(seqs(events), [1, 2]);
  const [first, second] = server.called;
  assert.deepEqual(server.called.map(({ method }) => method), ["StreamRun", "StreamRun"]);
  assert.match(first?.request.requestId, /^[0-9a-f-]{36}$/);
  assert.deepEqual(second?.request, first?.request);
  assert.equal(first?.request.requestIdTtl.seconds, 600n);
  assert.equal(first?.request.streamResumable, true);
});

test("a key of the caller's own is sent as it is, without a limit", async () => {
  const server = await scripted({ events: [end(1)] });
  using client = server.client();

  await read(client.stream({ ...ASKED, requestId: "order-4711" }));

  assert.equal(server.called[0]?.request.requestId, "order-4711");
  assert.equal(server.called[0]?.request.requestIdTtl, undefined);
});

test("events are kept unless the client or the call says otherwise", async () => {
  const server = await scripted({ events: [end(1)] }, { events: [end(1)] }, { events: [end(1)] });
  using plain = server.client();
  using loose = server.client({ keepEvents: false });

  await read(plain.stream({ ...ASKED, streamResumable: false }));
  await read(loose.stream(ASKED));
  await read(loose.stream({ ...ASKED, streamResumable: true }));

  assert.deepEqual(server.called.map(({ request }) => request.streamResumable), [false, false, true]);
});

test("a broken line is joined behind the last event, with the filter and all that was asked for", async () => {
  const draining = fails(status.UNAVAILABLE, { reason: "DRAINING", retryAfter: 2.5 });
  const server = await scripted({ events: [custom(1), custom(2)], end: draining }, { events: [custom(3), end(4)] });
  using client = server.client();

  const stream = client.stream({ ...ASKED, filter: { modes: "custom" }, onDisconnect: "cancel", payloadFormat: "value" });
  const { events, error } = await read(stream);

  assert.equal(error, undefined);
  assert.deepEqual(seqs(events), [1, 2, 3, 4]);
  assert.deepEqual(server.time.slept, [2.5]);
  const { method, request } = server.called[1] ?? {};
  assert.equal(method, "JoinRun");
  assert.deepEqual([request.runId, request.afterSeq, request.filter.modes, request.onDisconnect, request.payloadFormat], [RUN, 2n, ["custom"], 2, 2]);
  assert.deepEqual([stream.runId, stream.threadId, stream.lastSeq, stream.end?.status], [RUN, THREAD, 4, "success"]);
});

test("a stream that was cut off before its first event is joined where it started", async () => {
  const server = await scripted({ metadata: { "graphwire-after-seq": "7" }, end: fails(status.INTERNAL) }, { events: [custom(8), end(9)] });
  using client = server.client();

  assert.deepEqual(seqs((await read(client.stream(ASKED))).events), [8, 9]);

  assert.equal(server.called[1]?.request.afterSeq, 7n);
});

test("a join without a cursor goes on where the server says that it started", async () => {
  const server = await scripted({ metadata: { "graphwire-after-seq": "40" }, end: fails(status.UNKNOWN) }, { events: [custom(41), end(42)] });
  using client = server.client();

  assert.deepEqual(seqs((await read(client.join({ runId: RUN }))).events), [41, 42]);

  assert.deepEqual(server.called.map(({ request }) => request.afterSeq), [undefined, 40n]);
});

test("a join that cannot know where it started does not leave a gap", async () => {
  const server = await scripted({ metadata: { "graphwire-after-seq": "" }, end: fails(status.UNAVAILABLE) });
  using client = server.client();

  assert.equal((await read(client.join({ runId: RUN }))).error?.code, "UNAVAILABLE");
});

test("a run that has ended gives its end, whatever the cursor", async () => {
  const server = await scripted({ metadata: { "graphwire-after-seq": "5" }, events: [end(5)] });
  using client = server.client();

  assert.deepEqual(seqs((await read(client.join({ runId: RUN, afterSeq: 5 }))).events), [5]);
});

test("OK before the end is a broken line", async () => {
  const server = await scripted({ events: [custom(1)] }, { events: [end(2)] });
  using client = server.client();

  assert.deepEqual(seqs((await read(client.stream(ASKED))).events), [1, 2]);
});

test("OK before the end, again and again, is told as a cut", async () => {
  const server = await scripted({ metadata: {} });
  using client = server.client({ patience: 0 });

  const { error } = await read(client.stream(ASKED));

  assert.deepEqual([error?.code, error?.reason], ["DATA_LOSS", "STREAM_CUT"]);
});

for (const code of [status.CANCELLED, status.UNKNOWN, status.INTERNAL, status.DEADLINE_EXCEEDED]) {
  test(`${status[code]} without a reason of ours is a broken line`, async () => {
    const server = await scripted({ events: [custom(1)], end: fails(code, { reason: "FOREIGN", domain: "elsewhere" }) }, { events: [end(2)] });
    using client = server.client();

    assert.deepEqual(seqs((await read(client.stream(ASKED))).events), [1, 2]);
  });

  test(`${status[code]} with a reason of ours is the caller's`, async () => {
    const server = await scripted({ events: [custom(1)], end: fails(code, { reason: "INTERNAL", metadata: { request_id: "r" } }) });
    using client = server.client();

    const { events, error } = await read(client.stream(ASKED));

    assert.deepEqual(seqs(events), [1]);
    assert.deepEqual([error?.code, error?.reason, error?.metadata], [status[code], "INTERNAL", { request_id: "r" }]);
  });
}

for (const [code, reason] of [
  [status.RESOURCE_EXHAUSTED, "SLOW_READER"],
  [status.OUT_OF_RANGE, "CURSOR_EXPIRED"],
  [status.PERMISSION_DENIED, ""],
] as const) {
  test(`${status[code]} is the caller's`, async () => {
    const server = await scripted({ events: [custom(1)], end: fails(code, reason === "" ? {} : { reason }) });
    using client = server.client();

    const { error } = await read(client.stream(ASKED));

    assert.deepEqual([error?.code, error?.reason], [status[code], reason]);
    assert.equal(server.called.length, 1);
  });
}

test("an event in pieces is handed out whole", async () => {
  const server = await scripted({ events: [...pieces(custom(1, '{"large":1}'), 3), end(2)] });
  using client = server.client();

  const { events } = await read(client.stream(ASKED));

  assert.deepEqual([events[0]?.mode, events[0]?.data], ["custom", { large: 1 }]);
});

for (const [what, kept] of [
  ["first", [1, 2]],
  ["middle", [0, 2]],
  ["last", [0, 1]],
] as const) {
  test(`an event without its ${what} piece is asked for again, and the pieces that came are dropped`, async () => {
    const three = pieces(custom(2, '{"large":1}'), 3);
    const server = await scripted({ events: [custom(1), ...kept.map((index) => three[index] ?? {}), end(3)] }, { events: [...three, end(3)] });
    using client = server.client();

    const { events } = await read(client.stream(ASKED));

    assert.deepEqual(seqs(events), [1, 2, 3]);
    assert.deepEqual(events[1]?.data, { large: 1 });
    assert.equal(server.called[1]?.request.afterSeq, 1n);
  });
}

test("a message that cannot be read is a broken line", async () => {
  const garbage = (call: { write(bytes: Buffer): void }): void => call.write(Buffer.from([0xff, 0xff, 0xff]));
  const server = await scripted({ events: [custom(1)], end: "hang", then: garbage }, { events: [end(2)] });
  using client = server.client();

  assert.deepEqual(seqs((await read(client.stream(ASKED))).events), [1, 2]);
});

test("events that come again are dropped", async () => {
  const again = [custom(1), ...pieces(custom(2), 2).slice(1), custom(3), end(4)];
  const server = await scripted({ events: [custom(1), custom(2), custom(2)], end: fails(status.UNAVAILABLE) }, { events: again });
  using client = server.client();

  assert.deepEqual(seqs((await read(client.stream(ASKED))).events), [1, 2, 3, 4]);
});

test("a watch goes on behind the last event, of whichever run", async () => {
  const gone = fails(status.NOT_FOUND, { reason: "THREAD_NOT_FOUND" });
  const server = await scripted({ events: [end(1), custom(2), end(3)], end: fails(status.UNAVAILABLE) }, { events: [end(3), custom(4)], end: gone });
  using client = server.client();

  const { events, error } = await read(client.threads.watch({ threadId: THREAD, afterSeq: 1, filter: { nodes: ["a"] } }));

  assert.deepEqual(seqs(events), [2, 3, 4]);
  assert.equal(error?.reason, "THREAD_NOT_FOUND");
  const asked = server.called.map(({ request }) => [request.threadId, request.afterSeq, request.filter.nodes]);
  assert.deepEqual(asked, [[THREAD, 1n, ["a"]], [THREAD, 3n, ["a"]]]);
});

test("waits grow to 5 s, and the last error is raised when patience is over", async () => {
  const broken = fails(status.UNAVAILABLE, { reason: "STORE_UNAVAILABLE" });
  const server = await scripted(...Array.from({ length: 20 }, () => broken));
  using client = server.client({ patience: 20 });

  const { error } = await read(client.stream(ASKED));

  assert.deepEqual([error?.code, error?.reason], ["UNAVAILABLE", "STORE_UNAVAILABLE"]);
  assert.deepEqual(server.time.slept.map((seconds) => Math.round(seconds * 10) / 10), [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5, 5, 3.7]);
});

test("an event is progress: waits begin anew", async () => {
  const down = { metadata: {}, end: fails(status.UNAVAILABLE) };
  const server = await scripted(down, down, { events: [custom(1)], end: fails(status.UNAVAILABLE) }, down, { events: [end(2)] });
  using client = server.client();

  assert.deepEqual(seqs((await read(client.stream(ASKED))).events), [1, 2]);

  assert.deepEqual(server.time.slept, [0.1, 0.2, 0.1, 0.2]);
});

test("a call that stood for longer than 5 s is progress, one that stood for less is not", async () => {
  const down = { metadata: {}, end: fails(status.UNAVAILABLE) };
  const calls: { emit(name: "error", failure: Failure): void }[] = [];
  const standing: Answer = { end: "hang", then: (call) => calls.push(call) };
  const server = await scripted(down, standing, standing, { events: [end(1)] });
  using client = server.client();
  const stream = client.stream(ASKED);
  const reading = read(stream);

  for (const [index, seconds] of [4.9, 5.1].entries()) {
    await server.until(() => calls.length > index);
    await stream.started();
    await new Promise((resolve) => setTimeout(resolve, 300)); // until the answer has come
    server.time.clock += seconds;
    calls[index]?.emit("error", fails(status.UNAVAILABLE));
  }
  await reading;

  assert.deepEqual(server.time.slept, [0.1, 0.2, 0.1]);
});

test("an address where nobody is, is told within 2 s", async () => {
  const server = await scripted();
  server.stop();
  using client = server.client();

  const { error } = await read(client.stream(ASKED));

  assert.deepEqual([error?.code, error?.reason], ["UNAVAILABLE", ""]);
  assert.equal(server.time.clock, 2);
});

test("no patience means no second call", async () => {
  const server = await scripted({ events: [custom(1)], end: fails(status.UNAVAILABLE) });
  using client = server.client({ patience: 0 });

  const { events, error } = await read(client.stream(ASKED));

  assert.deepEqual([seqs(events), error?.code, server.called.length], [[1], "UNAVAILABLE", 1]);
});

test("a server that wants to be asked later than patience lasts is not asked", async () => {
  const server = await scripted({ metadata: {}, end: fails(status.UNAVAILABLE, { reason: "DRAINING", retryAfter: 30 }) });
  using client = server.client({ patience: 10 });

  const { error } = await read(client.stream(ASKED));

  assert.equal(error?.retryAfter, 30);
  assert.deepEqual(server.time.slept, []);
});

test("an unknown payload has no mode, and an unknown status is its number", async () => {
  const newer = { seq: 1n, $unknown: [{ no: 99, wireType: 2, data: Uint8Array.of(2, 8, 1) }] };
  const server = await scripted({ events: [newer, end(2, 77)] });
  using client = server.client();

  const { events } = await read(client.stream(ASKED));

  assert.deepEqual(events.map(({ mode, message }) => [mode, message === undefined]), [["", true], ["end", false]]);
  assert.equal(events[1]?.status, 77);
});
