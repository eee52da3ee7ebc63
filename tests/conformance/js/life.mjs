// The life of a run: runs that meet, that start later, that are cancelled and undone; histories from elsewhere; readers who come back.
import { connect, failure, say, tell } from "./sdk.mjs";

const client = connect();
const { threads, runs } = client;
const ice = { input: { topic: "ice" } };
const endless = { input: { n: 100000, delay: 0.01 }, streamMode: "custom" };

async function fresh() {
  return (await threads.create()).thread_id;
}

/** A run that has begun, on a thread. */
async function atWork(id) {
  const run = await runs.create(id, "progress", { ...endless, streamResumable: true });
  for await (const part of runs.joinStream(id, run.run_id, { lastEventId: "-1" })) if (part.event === "custom") break;
  return run.run_id;
}

async function statuses(id) {
  return (await runs.list(id)).map((run) => run.status).reverse();
}

for (const multitaskStrategy of ["interrupt", "rollback"]) {
  const id = await fresh();
  await atWork(id);
  await runs.create(id, "joke", ice);
  const values = await runs.wait(id, "joke", { ...ice, multitaskStrategy });
  say(multitaskStrategy, { topic: values.topic, statuses: await statuses(id) });
}

const busy = await fresh();
const working = await atWork(busy);
say("rejected", await failure(() => runs.create(busy, "joke", { ...ice, multitaskStrategy: "reject" })));
say("undone", await runs.cancel(busy, working, true, "rollback"));
say("gone", await failure(() => runs.get(busy, working)));
say("left", await threads.get(busy));

const later = await fresh();
const late = await runs.create(later, "joke", { ...ice, afterSeconds: 600 });
say("late", late.status);
say("soon", await runs.wait(later, "joke", { ...ice, afterSeconds: 0.05 }));
if (runs.cancelMany) {
  await runs.cancelMany({ threadId: later, runIds: [late.run_id], action: "rollback" });
  say("nothing", await failure(() => runs.cancelMany({ threadId: later, runIds: [late.run_id] })));
} else {
  await runs.cancel(later, late.run_id, true, "rollback");
}
say("after", await statuses(later));

const supersteps = [{ updates: [{ values: { topic: "tea" }, asNode: "refine_topic" }] }];
const begun = await threads.create({ graphId: "joke", supersteps });
say("begun", begun.values);
say("told", await runs.wait(begun.thread_id, "joke", {}));
const wrong = [{ updates: [{ values: {}, asNode: "nobody" }] }];
const nobody = "01a1fe2a-79bd-714d-9fa3-f75628f105a3";
say("wrong", await failure(() => threads.create({ threadId: nobody, graphId: "joke", supersteps: wrong })));
say("no thread", await failure(() => threads.get(nobody)));

const history = await threads.getHistory(begun.thread_id, { limit: 10 });
say("before", (await threads.getHistory(begun.thread_id, { before: history[0].checkpoint })).length);
say("by metadata", (await threads.getHistory(begun.thread_id, { metadata: { source: "loop" } })).length);
say("history", history.length);

const { thread_id: asked } = await threads.create();
const questions = (await runs.wait(asked, "pair", { input: {} })).__interrupt__;
const resume = Object.fromEntries(questions.map((each) => [each.id, each.value]));
say("answered", (await runs.wait(asked, "pair", { command: { resume } })).log.sort());

const kept = await runs.create(asked, "progress", { input: { n: 3 }, streamMode: "custom", streamResumable: true });
await runs.join(asked, kept.run_id);
await tell("whole", runs.joinStream(asked, kept.run_id, { lastEventId: "-1" }));
