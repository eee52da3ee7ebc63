// What users of threads and states do.
import { connect, failure, say } from "./sdk.mjs";

const client = connect();
const { threads, runs } = client;
const series = crypto.randomUUID();

const made = await threads.create({ metadata: { series }, graphId: "joke" });
const id = made.thread_id;
say("made", made);
say("taken", await failure(() => threads.create({ threadId: id })));
say("same", await threads.create({ threadId: id, ifExists: "do_nothing" }));
say("changed", await threads.update(id, { metadata: { m: 2 } }));

await runs.wait(id, "joke", { input: { topic: "ice" } });
say("told", await threads.get(id));
say("found", await threads.search({ metadata: { series }, limit: 5, sortBy: "created_at", sortOrder: "desc" }));
say("count", await threads.count({ metadata: { series } }));

const history = await threads.getHistory(id);
say("history", history);
say("before", await threads.getState(id, history[1].checkpoint));
say("by id", await threads.getState(id, history[1].checkpoint.checkpoint_id));
const written = await threads.updateState(id, {
  values: { topic: "snow" },
  asNode: "refine_topic",
  checkpoint: history[2].checkpoint,
});
say("forked", await runs.wait(id, "joke", { checkpoint: written.checkpoint }));

say("by value", await threads.search({ metadata: { series }, values: { topic: "snow" } }));
say("parts", await threads.search({ ids: [id], select: ["thread_id"], extract: { joke: "values.joke", none: "values.x[0]" } }));
say("value count", await threads.count({ metadata: { series }, values: { topic: "nothing" } }));
say("select", await threads.getState(id, undefined, { select: ["values.topic"] }));
say("lives", await threads.create({ metadata: { series }, ttl: 5 }).then((made) => threads.get(made.thread_id, { include: ["ttl"] })));
say("minimal", (await threads.update(id, { metadata: { m: 3 }, ttl: { ttl: 7 }, returnMinimal: true })) ?? null);
if (threads.prune) {
  say("kept", await threads.prune([id], { strategy: "keep_latest" }));
  say("states", (await threads.getHistory(id)).length);
}
const copy = await threads.copy(id);
say("copied", (await threads.getState(copy.thread_id)).values);
await threads.delete(id);
say("gone", await failure(() => threads.get(id)));
say("graph", await client.assistants.getGraph((await client.assistants.search({ graphId: "joke" }))[0].assistant_id));
