/**
 * What a client does: it streams the tokens of a story, answers the question of a run that waits, and joins a run that somebody else has started.
 *
 *     node dist/examples/story.js [--join RUN_ID] [ADDRESS]
 *
 * The server has the graphs of examples/langgraph.json. Its address is the argument, else GRAPHWIRE_ADDRESS, else localhost:50051; its key, where it asks for
 * one, is GRAPHWIRE_API_KEY.
 */

import { parseArgs } from "node:util";
import { connect, type GraphwireClient, GraphwireError, MessageGatherer } from "graphwire";

const { values, positionals } = parseArgs({ options: { join: { type: "string" } }, allowPositionals: true });
const address = positionals[0] ?? process.env["GRAPHWIRE_ADDRESS"] ?? "localhost:50051";
const interrupted = new AbortController();
process.once("SIGINT", () => interrupted.abort());

try {
  using client = connect(address, { apiKey: process.env["GRAPHWIRE_API_KEY"] });
  await tell(client);
  await pay(client);
  await follow(client, values.join ?? (await somebodyElse(client)));
} catch (error) {
  if (!(error instanceof GraphwireError)) {
    throw error;
  }
  console.error(`${error.code} ${error.reason}: ${error.message}`);
  process.exitCode = 1;
}

/** Prints a story word by word. Where the line breaks, the stream goes on by itself. */
async function tell(client: GraphwireClient): Promise<void> {
  const story = { assistantId: "tokens", input: { messages: [{ role: "user", content: "a lighthouse" }] }, streamMode: "messages-tuple" };
  const gatherer = new MessageGatherer();
  for await (const event of client.stream(story, interrupted)) {
    process.stdout.write(event.text);
    gatherer.add(event);
  }
  for (const message of gatherer.messages) {
    console.log(`\n(${message.finishReason}, ${message.usage?.outputTokens} tokens)`);
  }
}

/** Runs a payment until it asks a person, and answers. */
async function pay(client: GraphwireClient): Promise<void> {
  const { threadId } = await client.threads.create({}, interrupted);
  const asked = await client.invoke({ assistantId: "approval", threadId, input: { to: "Ada", amount: 10 } }, interrupted);
  for (const { value } of asked.run.interrupts) {
    console.log(value.question);
  }
  const answered = await client.invoke({ assistantId: "approval", threadId, command: { resume: { approved: true } } }, interrupted);
  console.log(answered.values.result);
}

/** Starts a run in the background, as another program would, and returns its id. */
async function somebodyElse(client: GraphwireClient): Promise<string> {
  const run = await client.create({ assistantId: "progress", input: { records: 5 }, streamMode: "custom", streamResumable: true }, interrupted);
  return run.runId;
}

/** Follows a run from its first event, whoever started it. */
async function follow(client: GraphwireClient, runId: string): Promise<void> {
  for await (const event of client.join({ runId, afterSeq: 0 }, interrupted)) {
    switch (event.mode) {
      case "metadata":
        console.log(`run of ${event.message.graphId}, attempt ${event.message.attempt}`);
        break;
      case "custom":
        console.log(event.seq, event.data);
        break;
      case "end":
        console.log(event.status);
    }
  }
}
