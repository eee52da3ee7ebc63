// What users of crons do.
import { connect, failure, say } from "./sdk.mjs";

const { crons, threads } = connect();
const series = crypto.randomUUID();
const asked = {
  schedule: "0 9 1 1 *",
  timezone: "Europe/Berlin",
  endTime: "2999-01-01T00:00:00Z",
  input: { topic: "ice" },
  config: { tags: ["a"] },
  metadata: { series },
  interruptBefore: ["refine_topic"],
  interruptAfter: ["generate_joke"],
  multitaskStrategy: "enqueue",
  streamMode: ["values"],
  streamSubgraphs: true,
  streamResumable: true,
  durability: "sync",
  enabled: true,
};

const made = await crons.create("joke", { ...asked, onRunCompleted: "keep" });
say("made", made);
const thread = await threads.create();
say("on thread", await crons.createForThread(thread.thread_id, "joke", asked));
say("found", await crons.search({ metadata: { series }, sortBy: "created_at", sortOrder: "asc", limit: 5, offset: 0 }));
say("chosen", await crons.search({ assistantId: "joke", threadId: thread.thread_id, enabled: true, select: ["schedule"] }));
say("count", await crons.count({ assistantId: "joke", metadata: { series } }));
say("changes", "update" in crons);
if ("update" in crons) {
  const change = { schedule: "@daily", endTime: null, enabled: false, input: { topic: "snow" }, onRunCompleted: "delete" };
  say("changed", await crons.update(made.cron_id, change));
}
say("wrong", await failure(() => crons.create("joke", { schedule: "x" })));
await crons.delete(made.cron_id);
say("gone", await failure(() => crons.delete(made.cron_id)));
say("left", await crons.count({ metadata: { series } }));
