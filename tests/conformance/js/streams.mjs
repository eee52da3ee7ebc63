// Streams runs, one after the other: [{kind, graph, stateless, payload}].
import { connect, failure, given, say, tell } from "./sdk.mjs";

const client = connect();

for (const { kind, graph, stateless, payload } of given.runs) {
  const refused = await failure(async () => {
    const threadId = stateless ? null : (await client.threads.create()).thread_id;
    await tell(kind, client.runs.stream(threadId, graph, payload));
  });
  if (refused) say("refused", refused);
}
say("done");
