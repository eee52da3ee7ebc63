// Assistants: the graphs' own, and those that a caller makes; every method of the client.
import { connect, failure, say } from "./sdk.mjs";

const client = connect();
const { assistants, runs, threads } = client;

const [joke] = await assistants.search({ graphId: "joke", metadata: { created_by: "system" }, select: ["assistant_id", "name"] });
say("own", joke);
say("own kept", [
  await failure(() => assistants.delete(joke.assistant_id)),
  await failure(() => assistants.update(joke.assistant_id, { name: "x" })),
]);

const assistantId = crypto.randomUUID();
const mark = crypto.randomUUID();
const parts = { graphId: "context", context: { tone: "dry" }, config: { tags: ["x"] }, metadata: { mark }, name: "Ann", description: "d" };
const made = await assistants.create({ ...parts, assistantId, ifExists: "raise" });
say("made", made);
say("kept", await assistants.create({ graphId: "joke", assistantId, ifExists: "do_nothing" }));
say("taken", await failure(() => assistants.create({ graphId: "joke", assistantId })));
say("no graph", await failure(() => assistants.create({ graphId: "nobody" })));
const changed = await assistants.update(assistantId, { context: { tone: "warm" }, metadata: { n: 2 }, name: "Bob" });
say("changed", changed);
say("versions", await assistants.getVersions(assistantId));
say("filtered", await assistants.getVersions(assistantId, { metadata: { n: 2 }, limit: 1, offset: 0 }));
say("warm", await runs.wait(null, assistantId, { input: {} }));
say("latest", await assistants.setLatest(assistantId, 1));
say("dry", await runs.wait(null, assistantId, { input: {} }));
say("found", await assistants.search({ metadata: { mark }, sortBy: "created_at", sortOrder: "desc", limit: 1 }));
say("count", await assistants.count({ metadata: { mark }, graphId: "context", name: "ann" }));
say("schemas", await assistants.getSchemas(assistantId));
say("graph", await assistants.getGraph(assistantId, { xray: true }));
say("subgraphs", await assistants.getSubgraphs(assistantId, { recurse: true }));
const [nested] = await assistants.search({ graphId: "nested" });
say("inside", await assistants.getSubgraphs(nested.assistant_id, { namespace: "node_2" }));

const thread = await threads.create();
await runs.wait(thread.thread_id, assistantId, { input: {} });
await assistants.delete(assistantId, { deleteThreads: true });
say("gone", [await failure(() => assistants.get(assistantId)), await failure(() => threads.get(thread.thread_id))]);
