// Every public method of the SDK, but those that it is not for a server to serve. Each client of a noun is watched, so that Python can tell whether one was left out.
import { connect, say } from "./sdk.mjs";

const client = connect();
const NOUNS = ["assistants", "threads", "runs", "crons", "store"];
const called = new Set();
const there = new Set();

/** The methods that users call: those of the client's class and of those that it extends, up to the one that all share. */
function* methods(noun) {
  for (let kind = Object.getPrototypeOf(noun); Object.getPrototypeOf(kind) !== Object.prototype; kind = Object.getPrototypeOf(kind)) {
    for (const name of Object.getOwnPropertyNames(kind)) {
      if (name !== "constructor" && !name.startsWith("_") && typeof noun[name] === "function") yield name;
    }
  }
}

for (const noun of NOUNS) for (const name of methods(client[noun])) there.add(`${noun}.${name}`);

/** What a method gives; a stream as the list of its parts. */
async function call(method, ...given) {
  const [noun, name] = method.split(".");
  called.add(method);
  const made = client[noun][name](...given);
  if (made?.[Symbol.asyncIterator] === undefined) return await made;
  const parts = [];
  for await (const part of made) parts.push(part);
  return parts;
}

/** Whether this SDK has a method: the older one lacks some. */
const has = (method) => there.has(method);

/** The first part of a stream that never ends. */
async function first(method, ...given) {
  const [noun, name] = method.split(".");
  called.add(method);
  for await (const part of client[noun][name](...given)) return part;
  return null;
}

function hold(what, truth) {
  if (!truth) say("wrong", what);
}

const input = { topic: "ice" };
const series = crypto.randomUUID();

const made = await call("assistants.create", { graphId: "joke", name: "Ada", metadata: { series } });
const named = made.assistant_id;
hold("update", (await call("assistants.update", named, { name: "Bea", metadata: { more: 1 } })).version === 2);
hold("get", (await call("assistants.get", named)).name === "Bea");
hold("versions", (await call("assistants.getVersions", named)).length === 2);
hold("latest", (await call("assistants.setLatest", named, 1)).name === "Ada");
hold("search", (await call("assistants.search", { metadata: { series } })).length === 1);
hold("count", (await call("assistants.count", { metadata: { series } })) === 1);
hold("graph", (await call("assistants.getGraph", named)).nodes.length > 2);
hold("schemas", (await call("assistants.getSchemas", named)).graph_id === "joke");
hold("subgraphs", Object.keys(await call("assistants.getSubgraphs", named)).length === 0);
await call("assistants.delete", named);

const thread = await call("threads.create", { metadata: { series }, graphId: "joke" });
const id = thread.thread_id;
hold("get", (await call("threads.get", id)).status === "idle");
hold("update", (await call("threads.update", id, { metadata: { m: 2 } })).metadata.m === 2);
hold("search", (await call("threads.search", { metadata: { series } })).length === 1);
hold("count", (await call("threads.count", { metadata: { series } })) === 1);
await call("threads.updateState", id, { values: input, asNode: "refine_topic" });
hold("state", (await call("threads.getState", id)).values.topic === "ice");
hold("history", (await call("threads.getHistory", id)).length === 1);
hold("copy", (await call("threads.copy", id)).thread_id !== id);
if (has("threads.prune")) hold("prune", (await call("threads.prune", [(await client.threads.create()).thread_id])).pruned_count === 1);

const run = await call("runs.create", id, "joke", { input, streamResumable: true });
hold("join", (await call("runs.join", id, run.run_id)).joke);
hold("join stream", (await call("runs.joinStream", id, run.run_id, { lastEventId: "-1" }))[0].event === "metadata");
hold("get", (await call("runs.get", id, run.run_id)).status === "success");
hold("list", (await call("runs.list", id)).length === 1);
hold("stream", (await call("runs.stream", null, "joke", { input }))[0].event === "metadata");
hold("wait", (await call("runs.wait", id, "joke", { input })).joke);
const late = await client.runs.create(id, "joke", { input, afterSeconds: 3600 });
await call("runs.cancel", id, late.run_id, true);
hold("batch", (await call("runs.createBatch", [{ assistantId: "joke", input, afterSeconds: 3600 }])).length === 1);
const later = await client.runs.create(id, "joke", { input, afterSeconds: 3600 });
if (has("runs.cancelMany")) await call("runs.cancelMany", { threadId: id, runIds: [later.run_id] });
else await call("runs.cancel", id, later.run_id, true);
await call("runs.delete", id, run.run_id);
hold("watch", (await first("threads.joinStream", id, { lastEventId: "0" })).event === "metadata");

const schedule = "0 0 1 1 *";
const cron = await call("crons.create", "joke", { schedule, input, metadata: { series } });
hold("search", (await call("crons.search", { metadata: { series } })).length === 1);
hold("count", (await call("crons.count", { metadata: { series } })) === 1);
const held = await call("crons.createForThread", id, "joke", { schedule, input });
hold("update", (await call("crons.update", cron.cron_id, { enabled: false })).enabled === false);
for (const each of [cron, held]) await call("crons.delete", each.cron_id);

const namespace = ["users", series];
await call("store.putItem", namespace, "likes", { food: "ice" });
hold("item", (await call("store.getItem", namespace, "likes")).value.food === "ice");
hold("items", (await call("store.searchItems", namespace, { filter: { food: "ice" } })).items.length === 1);
hold("namespaces", (await call("store.listNamespaces", { prefix: namespace })).namespaces.length === 1);
await call("store.deleteItem", namespace, "likes");

if (has("threads.stream")) {
  called.add("threads.stream");
  const streamed = client.threads.stream({ assistantId: "joke" });
  await streamed.run.start({ input });
  hold("streamed", (await streamed.output).joke);
  await streamed.close();
}
await call("threads.delete", id);
say("called", [...called]);
say("there", [...there]);
