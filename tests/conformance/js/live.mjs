// Watches a thread, attaches to a run of it while that waits at a gate, and cancels another.
import { connect, given, say, tell } from "./sdk.mjs";

const attached = [];

/** Tells when the head of a stream's answer is here: from then on, the server has the reader. */
async function telling(...request) {
  const response = await fetch(...request);
  if (response.headers.get("content-type")?.startsWith("text/event-stream")) {
    say("attached");
    attached.shift()?.();
  }
  return response;
}

const client = connect({ callerOptions: { fetch: telling } });
const { threads, runs } = client;
const { thread_id: id } = await threads.create();

const leave = new AbortController();
const watches = new Promise((resolve) => attached.push(resolve));
const watching = (async () => {
  for await (const part of threads.joinStream(id, { signal: leave.signal })) {
    say("watched", { id: part.id ?? null, event: part.event, data: part.data });
    if (part.data?.status === "run_done") leave.abort();
  }
})().catch((error) => {
  if (!leave.signal.aborted) throw error;
});
await watches;

const run = await runs.create(id, "gate", { input: { port: given.port }, streamMode: ["custom", "updates"] });
say("created", run.run_id);
process.stdin.once("data", async () => {
  await tell("joined", runs.joinStream(id, run.run_id));
  await watching;
  await cancel();
  process.exit();
});

async function cancel() {
  const long = await runs.create(id, "gate", { input: { port: given.port, name: "long" } });
  say("long", long.run_id);
  await new Promise((resolve) => process.stdin.once("data", resolve));
  say("cancelled", await runs.cancel(id, long.run_id, true));
  say("status", (await runs.get(id, long.run_id)).status);
}
