// What the scripts share: which SDK and which server, what they were given, and how they tell what they saw. The SDK is imported as it comes from
// the package; nothing of it is replaced. A script prints one JSON object a line: {"kind": ..., "value": ...}. Python judges.
//
// Usage: node <script>.mjs <package> <url> [<JSON>]

const [, , name, url, text] = process.argv;

export const { Client } = await import(name);
export const given = text === undefined ? {} : JSON.parse(text);

/** A client of the server. Without a key, unless the script was given one: the environment may hold somebody's. */
export function connect(options = {}) {
  return new Client({ apiUrl: url, apiKey: given.apiKey ?? null, ...options });
}

export function say(kind, value = null) {
  process.stdout.write(`${JSON.stringify({ kind, value })}\n`);
}

/** All parts of a stream, each told when it comes. */
export async function tell(kind, stream) {
  for await (const part of stream) say(kind, { id: part.id ?? null, event: part.event, data: part.data });
}

/** How a call failed: the class of its error, its status where it has one, and its text. */
export async function failure(call) {
  try {
    await call();
  } catch (error) {
    return { name: error.constructor.name, status: error.status ?? null, text: error.message };
  }
  return null;
}
