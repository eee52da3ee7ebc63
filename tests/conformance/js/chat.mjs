// What the hook useStream does, through the client alone: a page streams an answer, is reloaded in the middle of it, attaches again by the run's id,
// reads the history, and has an answer given anew from an earlier checkpoint.
import { connect, given, say, tell } from "./sdk.mjs";

const { threads, runs } = connect();
const { thread_id: id } = await threads.create();
const streamMode = ["values", "messages-tuple", "updates"];
const page = new AbortController();
let runId;

try {
  const options = { streamMode, streamSubgraphs: true, streamResumable: true, onDisconnect: "continue" };
  const stream = runs.stream(id, "words", {
    ...options,
    input: { messages: [{ type: "human", content: String(given.words) }] },
    signal: page.signal,
    onRunCreated: (run) => (runId = run.run_id),
  });
  let seen = 0;
  for await (const part of stream) if (part.event === "messages" && ++seen === 5) page.abort();
} catch (error) {
  if (!page.signal.aborted) throw error;
}
say("reloaded", runId);

await tell("rejoined", runs.joinStream(id, runId, { lastEventId: "-1", streamMode }));
const history = await threads.getHistory(id, { limit: 10 });
say("history", history);

const before = history.find((state) => state.next.includes("say"));
await tell("again", runs.stream(id, "words", { input: null, checkpoint: before.checkpoint, streamMode }));
say("branches", (await threads.getHistory(id, { limit: 10 })).map((state) => state.parent_checkpoint?.checkpoint_id ?? null));
