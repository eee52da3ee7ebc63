// `webhook` on every method that creates a run.
import { connect, failure, given, say } from "./sdk.mjs";

const client = connect();
const { threads, runs } = client;
const hooked = { input: { topic: "ice" }, webhook: given.webhook };
const { thread_id: id } = await threads.create();

let count = 0;
for (const where of [id, null]) {
  await runs.create(where, "joke", hooked);
  await runs.wait(where, "joke", hooked);
  for await (const part of runs.stream(where, "joke", hooked)) void part;
  count += 3;
}
await runs.createBatch([{ assistantId: "joke", ...hooked }, { assistantId: "joke", ...hooked }]);
say("runs", count + 2);
say("refused", await failure(() => runs.create(id, "joke", { ...hooked, webhook: "http://169.254.169.254/" })));
say("shown", (await runs.list(id))[0].kwargs.webhook);
say("done");
