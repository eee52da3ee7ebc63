/** JSON in both directions: clients/README.md, point 11. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromJson as messageFromJson } from "@bufbuild/protobuf";
import { fromJson, parseJson, stringifyJson, toJson } from "../src/index.js";
import { JsonSchema } from "../src/v1.js";

const EXACT = [
  "9007199254740991",
  "9007199254740993",
  "-9007199254740993",
  "123456789012345678901234567890",
  '{"id":18446744073709551615,"n":1}',
  '[1,"9007199254740993",9007199254740993,-0.5]',
  '{"9007199254740993":[9007199254740993]}',
  '"a\\"9007199254740993\\\\"',
  '{"a\\\\":"\\\\","b":9007199254740993}',
  '["\\u0000i9007199254740993","\\u0000s","\\u0000",9007199254740993]',
  '{"\\u0000k":9007199254740993}',
  '{"__proto__":9007199254740993}',
];

for (const text of EXACT) {
  test(`${text} comes back as it was`, () => {
    assert.equal(stringifyJson(parseJson(text)), text);
  });
}

test("integers are numbers as long as numbers are exact, and bigints beyond", () => {
  const text = "[9007199254740991, 9007199254740992, -9007199254740992, 5]";
  assert.deepEqual(parseJson(text), [9007199254740991, 9007199254740992n, -9007199254740992n, 5]);
});

test("numbers with a fraction or an exponent are numbers, however long", () => {
  for (const text of ["0.1234567890123456789", "1e20", "12345678901234567890.5", "1234567890123456789e3"]) {
    assert.equal(parseJson(`[9007199254740993, ${text}]`)[1], Number(text));
  }
});

for (const text of ["", "{", '"9007199254740993', "09007199254740993", "{9007199254740993: 1}", "[9007199254740993 9007199254740993]", "9007199254740993x"]) {
  test(`${text || "nothing"} is no JSON`, () => {
    assert.throws(() => parseJson(text), SyntaxError);
  });
}

test("large text is read in a time that grows with its length", () => {
  const rest = { big: "x".repeat(5_000_000), quotes: '\\"'.repeat(500_000), list: Array.from({ length: 100_000 }, (_, i) => i) };
  const text = JSON.stringify(rest).replace('"big"', '"id":9007199254740993,"big"');
  const begun = process.cpuUsage();
  const value = parseJson(text);
  assert.equal(value.id, 9007199254740993n);
  assert.equal(value.quotes.length, 1_000_000);
  assert.ok(process.cpuUsage(begun).user < 3_000_000); // in microseconds of the processor: others may have it too
});

const UNSENDABLE: [string, unknown][] = [
  ["NaN", Number.NaN],
  ["an infinity", Number.POSITIVE_INFINITY],
  ["a function", () => 1],
  ["a symbol", Symbol("s")],
  ["a Map", new Map()],
  ["bytes", new Uint8Array(1)],
  ["undefined in an array", undefined],
];

for (const [what, value] of UNSENDABLE) {
  test(`${what} is not sent`, () => {
    assert.throws(() => stringifyJson({ a: [value] }, "input"), { name: "TypeError", message: /^input\.a\[0\]: JSON has no form for / });
  });
}

test("a circle is not sent, and the same object twice is", () => {
  const same = { x: 1 };
  const circle: Record<string, unknown> = { same, again: same };
  assert.equal(stringifyJson(circle), '{"same":{"x":1},"again":{"x":1}}');
  circle["self"] = circle;
  assert.throws(() => stringifyJson(circle), TypeError);
});

test("dates, undefined properties and bigints are sent as one expects", () => {
  const value = { at: new Date(0), none: undefined, big: 2n ** 64n, text: "\ud800" };
  assert.equal(stringifyJson(value), '{"at":"1970-01-01T00:00:00.000Z","big":18446744073709551616,"text":"\\ud800"}');
});

test("protobuf's values: doubles without a fraction are integers, of any size", () => {
  const carrier = messageFromJson(JsonSchema, { value: { list: [1, 1.5, 1e17, null, true, "a", {}], __proto__: 1 } });
  assert.deepEqual(fromJson(carrier), { list: [1, 1.5, 100000000000000000n, null, true, "a", {}] });
});

test("nothing is read as undefined", () => {
  assert.equal(fromJson(undefined), undefined);
  assert.equal(fromJson(create(JsonSchema)), undefined);
  assert.equal(fromJson(toJson(null)), null);
});

test("a Json message is passed through", () => {
  const carrier = create(JsonSchema, { kind: { case: "text", value: "[ 1 ]" } });
  assert.equal(toJson(carrier), carrier);
});
