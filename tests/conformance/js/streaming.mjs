// Streams of threads (the v2 event protocol): every projection of a run, a question, what the protocol has beside, and what fails.
import { connect, failure, given, say } from "./sdk.mjs";

const client = connect();
const socket = given.transport === "websocket" ? { transport: "websocket" } : {};
const open = (assistantId, id) =>
  id === undefined
    ? client.threads.stream({ assistantId, ...socket })
    : client.threads.stream(id, { assistantId, ...socket });
const ADD = { messages: [{ role: "user", content: `add at ${given.port}` }] };

/**
 * Tells that the stream has all its subscriptions: the run, which stands at a gate, may go on. The SDK ends them with their run, also
 * those for which nothing has come yet.
 */
async function attached(thread) {
  await thread.subscribe(["lifecycle"]);
  say("attached");
}

async function collected(iterable) {
  const found = [];
  for await (const each of iterable) found.push(each);
  return found;
}

/** The first of an iterable, up to the one for which something is true. The SDK ends an iterable with a run only where it began before the run's end. */
async function until(iterable, isLast) {
  const found = [];
  for await (const each of iterable) {
    found.push(each);
    if (isLast(each, found.length)) break;
  }
  return found;
}

const ENDS = new Set(["completed", "failed", "interrupted"]);
const ends = (event) =>
  event.method === "lifecycle" && event.params.namespace.length === 0 && ENDS.has(event.params.data.event);

async function projections() {
  const thread = open("agent");
  await thread.run.start({ input: ADD });
  const [messages, calls, charts, images, values, output, _] = await Promise.all([
    collected(thread.messages).then((all) =>
      Promise.all(all.map(async (one) => ({ text: await one.text, reasoning: await one.reasoning, node: one.node }))),
    ),
    collected(thread.toolCalls).then((all) =>
      Promise.all(all.map(async (call) => ({ name: call.name, id: call.callId, output: await call.output }))),
    ),
    collected(thread.extensions.chart),
    collected(thread.images),
    collected(thread.values),
    thread.output,
    attached(thread),
  ]);
  say("messages", messages);
  say("calls", calls);
  say("charts", charts);
  say("images", images.length);
  say("values", values.length);
  say("output", output.messages.map((message) => message.text));
  await thread.close();
}

async function subgraphs() {
  const thread = open("crew");
  await thread.run.start({ input: ADD });
  const [sub] = await until(thread.subgraphs, () => true);
  const messages = await until(sub.messages, (_, count) => {
    if (count === 1) say("attached");
    return count === 3;
  });
  const texts = await Promise.all(messages.map((message) => message.text));
  say("subgraphs", { name: sub.name, graph: sub.graphName, texts });
  await thread.output;
  say("tree", (await thread.agent.getTree()).tree);
  await thread.close();
}

async function subscriptions() {
  const { thread_id: id } = await client.threads.create();
  const thread = open("joke", id);
  const subscription = await thread.subscribe({ channels: ["updates", "lifecycle", "checkpoints"] });
  await thread.run.start({ input: { topic: "ice" }, metadata: { a: 1 }, multitaskStrategy: "enqueue" });
  const events = await until(subscription, ends);
  say("events", events.map((event) => [event.method, event.params.data]));
  // Whoever subscribes when the run is over gets it from its start.
  const late = await thread.subscribe(["updates"]);
  const again = await until(late, (_, count) => count === 2);
  say("late", again.map((event) => event.params.data.node));
  await thread.close();
}

async function question() {
  const thread = open("deep");
  await thread.run.start({ input: { request: "lunch" } });
  await until(await thread.subscribe(["lifecycle", "input"]), ends);
  const [asked] = thread.interrupts;
  say("asked", { payload: asked.payload, interrupted: thread.interrupted, depth: asked.namespace.length });
  const rest = await thread.subscribe(["lifecycle"]);
  await thread.input.respond({ namespace: asked.namespace, interrupt_id: asked.interruptId, response: "yes" });
  await until(rest, (event) => ends(event) && event.params.data.event === "completed");
  const state = await thread.state.get({ namespace: [] });
  say("state", state.values);
  const { checkpoints } = await thread.state.listCheckpoints({ limit: 3 });
  say("checkpoints", checkpoints.map((checkpoint) => checkpoint.step));
  const fork = await thread.state.fork({ checkpoint_id: checkpoints.at(-1).id });
  say("fork", fork.thread_id === thread.threadId);
  say("inject", await failure(() => thread.input.inject({ namespace: [], message: { role: "user", content: "x" } })));
  await thread.close();
}

async function failures() {
  const { thread_id: id } = await client.threads.create();
  const thread = open("failing", id);
  const subscription = await thread.subscribe(["lifecycle"]);
  await thread.run.start({ input: { a: 0 } });
  const events = await until(subscription, ends);
  say("failed", events.at(-1).params.data);
  const nobody = open("nobody");
  say("refused", await failure(() => nobody.run.start({ input: {} })));
  await thread.close();
  await nobody.close();
}

await projections();
await subgraphs();
await subscriptions();
await question();
await failures();
say("done", true);
process.exit();
