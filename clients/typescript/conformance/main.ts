/**
 * The runner of the conformance cases: reads what a case asks, a JSON object a line, does it with the client, and prints what it saw. See
 * clients/conformance/README.md.
 */

import { createInterface } from "node:readline";
import { stringifyJson } from "../src/index.js";
import { Run } from "./run.js";

const lines = createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY });
for await (const line of lines) {
  process.stdout.write(`${await answer(line)}\n`);
}

async function answer(line: string): Promise<string> {
  try {
    const run = new Run(JSON.parse(line));
    try {
      return stringifyJson({ seen: await run.seen() });
    } finally {
      run.close();
    }
  } catch (error) {
    console.error(error);
    return stringifyJson({ broken: String(error) });
  }
}
