// What users of runs do: in the background, waiting, in batches, with questions and answers, and refused.
import { connect, failure, say, tell } from "./sdk.mjs";

const client = connect({ defaultHeaders: { "X-Tenant": "t" } });
const { threads, runs } = client;
const ice = { input: { topic: "ice" } };
const { thread_id: id } = await threads.create();

const run = await runs.create(id, "joke", { ...ice, metadata: { k: "v" }, streamMode: ["updates", "values"] });
say("joined", await runs.join(id, run.run_id));
say("run", await runs.get(id, run.run_id));
say("listed", await runs.list(id, { limit: 5 }));
say("filtered", await runs.list(id, { status: "error" }));
await runs.delete(id, run.run_id);
say("empty", await runs.list(id));

const created = [];
say("waited", await runs.wait(id, "joke", { ...ice, onRunCreated: (each) => created.push(each) }));
say("stateless", await runs.wait(null, "joke", ice));
for await (const part of runs.stream(id, "joke", { ...ice, onRunCreated: (each) => created.push(each) })) void part;
for await (const part of runs.stream(null, "joke", { ...ice, onRunCreated: (each) => created.push(each) })) void part;
say("created", created);

const batch = await runs.createBatch(
  ["a", "b"].map((topic) => ({ assistantId: "joke", input: { topic }, metadata: { topic }, on_completion: "keep" })),
);
say("batch", batch.map((each) => each.metadata.topic));
for (const each of batch) say("batched", await runs.join(each.thread_id, each.run_id));

const { thread_id: asked } = await threads.create();
await tell("asked", runs.stream(asked, "approval", { input: { request: "lunch" }, streamMode: ["updates", "values"] }));
say("waiting", await threads.get(asked));
await tell("answered", runs.stream(asked, "approval", { command: { resume: "yes" }, streamMode: "updates" }));
say("headers", await runs.wait(null, "headers", { input: {}, config: { configurable: { user: "u" } } }));

await tell("failing", runs.stream(id, "failing", { input: {}, streamMode: "updates" }));
say("failed", await failure(() => runs.wait(id, "failing", { input: {} })));
say("kept", await runs.wait(id, "failing", { input: {}, raiseError: false }));
const nobody = "01a1fe2a-79bd-714d-9fa3-f75628f105a2";
say("no graph", await failure(() => runs.create(id, "no graph", ice)));
say("no thread", await failure(() => runs.create(nobody, "joke", ice)));
say("no run", await failure(() => runs.get(id, nobody)));
say("no mode", await failure(() => runs.create(id, "joke", { ...ice, streamMode: "nonsense" })));
say("no thread to resume", await failure(() => runs.wait(null, "approval", { command: { resume: "x" } })));
