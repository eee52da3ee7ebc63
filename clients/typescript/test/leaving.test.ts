/** How a stream ends when its reader leaves, and that nothing is held afterwards: clients/README.md, point 8. */

import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { afterEach, test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import { GraphwireError } from "../src/index.js";
import { StreamRunResponseSchema } from "../src/v1.js";
import { type Answer, custom, end, fails, type Failure, RUN, Scripted, THREAD } from "./scripted.js";

const ASKED = { assistantId: "agent" };
const servers: Scripted[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.stop();
  }
});

async function scripted(...answers: (Answer | Failure | object)[]): Promise<Scripted> {
  const server = await Scripted.start(...answers);
  servers.push(server);
  return server;
}

function fault(code: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof GraphwireError, String(error));
    assert.equal(error.code, code);
    return true;
  };
}

test("leaving the loop ends the call, and nothing goes on", async () => {
  const server = await scripted({ events: [custom(1), custom(2)], end: "hang" });
  using client = server.client();
  const stream = client.stream(ASKED);

  for await (const event of stream) {
    assert.equal(event.seq, 1);
    break;
  }
  await server.until(() => server.cancelled.length > 0);

  assert.equal(stream.lastSeq, 1);
  assert.deepEqual(await stream.next(), { done: true, value: undefined });
  assert.deepEqual([server.called.length, server.time.slept], [1, []]);
});

test("an aborted signal ends the call and is raised, and the signal is let go", async () => {
  const server = await scripted({ events: [custom(1)], end: "hang" });
  using client = server.client();
  const control = new AbortController();
  const stream = client.stream(ASKED, { signal: control.signal });

  await stream.next();
  const waiting = stream.next();
  control.abort(new Error("enough"));

  await assert.rejects(waiting, (error: GraphwireError) => fault("CANCELLED")(error) && (error.cause as Error).message === "enough");
  await server.until(() => server.cancelled.length > 0);
  assert.deepEqual(await stream.next(), { done: true, value: undefined });
  assert.equal(getEventListeners(control.signal, "abort").length, 0);
  assert.equal(server.called.length, 1);
});

test("the caller's time limit is not taken for a broken line", async () => {
  const server = await scripted({ events: [custom(1)], end: "hang" });
  using client = server.client();
  const stream = client.stream(ASKED, { signal: AbortSignal.timeout(2000) });

  await stream.next();
  await assert.rejects(stream.next(), fault("DEADLINE_EXCEEDED"));

  await server.until(() => server.cancelled.length > 0);
  assert.deepEqual([server.called.length, server.time.slept], [1, []]);
});

test("a signal that was aborted before sends nothing", async () => {
  const server = await scripted();
  using client = server.client();
  const signal = AbortSignal.abort();

  await assert.rejects(client.stream(ASKED, { signal }).next(), fault("CANCELLED"));
  await assert.rejects(client.runs.get(RUN, {}, { signal }), fault("CANCELLED"));

  assert.equal(server.called.length, 0);
});

test("a stream that has ended lets its signal go", async () => {
  const server = await scripted({ events: [end(1)] }, fails(status.NOT_FOUND, { reason: "RUN_NOT_FOUND" }));
  using client = server.client();
  const { signal } = new AbortController();

  for await (const _event of client.stream(ASKED, { signal })) {
    // one event
  }
  await assert.rejects(client.join({ runId: RUN }, { signal }).next(), fault("NOT_FOUND"));

  assert.equal(getEventListeners(signal, "abort").length, 0);
});

test("an aborted signal ends a call that does not stream, and the signal is let go", async () => {
  const server = await scripted({ end: "hang" });
  using client = server.client();
  const control = new AbortController();

  const waiting = client.wait(RUN, {}, control);
  await server.until(() => server.called.length > 0);
  control.abort();

  await assert.rejects(waiting, fault("CANCELLED"));
  await server.until(() => server.cancelled.length > 0);
  assert.equal(getEventListeners(control.signal, "abort").length, 0);
});

test("an abort ends the wait between two calls", async () => {
  const server = await scripted({ events: [custom(1)], end: fails(status.UNAVAILABLE) });
  server.time.still = true;
  using client = server.client();
  const control = new AbortController();
  const stream = client.stream(ASKED, { signal: control.signal });

  await stream.next();
  const waiting = stream.next();
  setTimeout(() => control.abort(), 30);

  await assert.rejects(waiting, fault("CANCELLED"));
  assert.equal(server.called.length, 1);
});

test("a client that is closed cuts off its streams and calls, and takes no others", async () => {
  const server = await scripted({ end: "hang" }, { end: "hang" });
  const client = server.client();
  const stream = client.stream(ASKED);
  await stream.started();

  const waiting = stream.next();
  client.close();

  await assert.rejects(waiting, fault("CANCELLED"));
  await assert.rejects(client.runs.get(RUN), fault("CANCELLED"));
  await assert.rejects(client.stream(ASKED).started(), fault("CANCELLED"));
});

test("close ends a stream for whoever waits", async () => {
  const server = await scripted({ end: "hang" });
  using client = server.client();
  const stream = client.stream(ASKED);
  await stream.started();

  const waiting = stream.next();
  stream.close();
  stream.close();

  assert.deepEqual(await waiting, { done: true, value: undefined });
  await server.until(() => server.cancelled.length > 0);
});

test("the ids are known before the first event", async () => {
  const unnaming: Answer = { metadata: { "graphwire-run-id": "", "graphwire-thread-id": "" }, events: [custom(1)], end: "hang" };
  const server = await scripted({ end: "hang" }, { end: "hang" }, unnaming);
  using client = server.client();

  assert.deepEqual(await client.stream(ASKED).started(), { runId: RUN, threadId: THREAD });
  assert.deepEqual(await client.threads.watch({ threadId: THREAD }).started(), { threadId: THREAD });
  const unnamed = client.stream(ASKED);
  assert.deepEqual(await unnamed.started(), { runId: RUN, threadId: THREAD });
  assert.equal((await unnamed.next()).value?.seq, 1);
});

test("the ids are known to others while somebody waits for an event", async () => {
  const server = await scripted({ end: "hang" });
  using client = server.client();
  const stream = client.stream(ASKED);

  const waiting = stream.next();
  assert.deepEqual(await stream.started(), { runId: RUN, threadId: THREAD });

  stream.close();
  assert.equal((await waiting).done, true);
});

test("a refused call is raised by started, once", async () => {
  const server = await scripted(fails(status.NOT_FOUND, { reason: "ASSISTANT_NOT_FOUND" }));
  using client = server.client();
  const stream = client.stream(ASKED);

  await assert.rejects(stream.started(), fault("NOT_FOUND"));

  assert.deepEqual(await stream.next(), { done: true, value: undefined });
});

test("events that are asked for at once come in order", async () => {
  const server = await scripted({ events: [custom(1), custom(2), end(3)] });
  using client = server.client();
  const stream = client.stream(ASKED);

  const results = await Promise.all([stream.next(), stream.next(), stream.next(), stream.next()]);

  assert.deepEqual(results.map(({ value }) => value?.seq), [1, 2, 3, undefined]);
});

test("how a call fails after the end of its run is nobody's concern", async () => {
  const server = await scripted({ events: [end(1)], end: fails(status.UNAVAILABLE) });
  using client = server.client();
  const stream = client.stream(ASKED);

  assert.equal((await stream.next()).value?.mode, "end");
  assert.equal((await stream.next()).done, true);

  assert.deepEqual([server.called.length, server.time.slept], [1, []]);
});

test("a call that does not end with its run is ended", async () => {
  const server = await scripted({ events: [end(1), custom(2)], end: "hang" });
  using client = server.client();
  const stream = client.stream(ASKED);

  assert.equal((await stream.next()).value?.mode, "end");
  assert.equal((await stream.next()).done, true);

  await server.until(() => server.cancelled.length > 0);
});

test("a slow reader holds the server back", async () => {
  const most = 2000;
  let written = 0;
  const fill = (call: any): void => {
    const data = JSON.stringify("x".repeat(50_000));
    const more = (): void => {
      while (written < most && call.write(response(++written, data))) {
        // as long as somebody takes it
      }
    };
    call.on("drain", more);
    more();
  };
  const server = await scripted({ end: "hang", then: fill });
  using client = server.client();
  const stream = client.stream(ASKED);

  await stream.next();
  await new Promise((resolve) => setTimeout(resolve, 300));
  const ahead = written;
  for (let seq = 2; seq <= 500; seq += 1) {
    assert.equal((await stream.next()).value?.seq, seq);
  }

  assert.ok(ahead < 100, `${ahead} messages were taken from the server, and one was asked for`);
  assert.ok(written >= 500);
});

function response(seq: number, text: string): object {
  return create(StreamRunResponseSchema, { events: [{ ...custom(seq, text), runId: RUN, threadId: THREAD } as never] });
}
