import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { InvalidRequestError } from "../../src/errors.ts";
import { parseInSlices } from "../../src/http/sliced-json.ts";

/** More than a slice, with characters and escapes of every length where slices may end. */
const long = 'a"\\/\n\u00e9\u{1f600}\ud800\u0000'.repeat(12_000);

/** Bodies in which `value` lies beside, within and behind what is larger than a slice. */
const surrounded = (value: unknown): readonly unknown[] => [
  [long, value],
  [value, long],
  { before: value, long, [long.slice(0, 10)]: value },
  { messages: Array.from({ length: 3000 }, (_, index) => ({ index, value, text: "x".repeat(90) })) },
  [[[long], [value]], [], {}, long, long],
];

const outcome = (parse: () => unknown) => {
  try {
    return { value: parse() };
  } catch (error) {
    return { error: error instanceof SyntaxError };
  }
};

test("what is parsed in slices is what is parsed at once", async () => {
  await fc.assert(
    fc.asyncProperty(fc.jsonValue({ maxDepth: 3 }), fc.nat(4), async (value, kind) => {
      const body = surrounded(value)[kind];
      const text = JSON.stringify(body);
      assert.deepEqual(await parseInSlices(Buffer.from(text)), JSON.parse(text));
    }),
    { numRuns: 12 },
  );
});

test("what is not JSON at once is not JSON in slices", async () => {
  const pieces = [",", ":", '"', "{", "}", "[", "]", "1", " ", "\\", "null"];
  await fc.assert(
    fc.asyncProperty(
      fc.nat(4),
      fc.constantFrom(...pieces),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.boolean(),
      async (kind, piece, place, isCut) => {
        const text = JSON.stringify(surrounded({ a: [1, "b"] })[kind]);
        // Near the ends of what is put together, where mistakes would be made.
        const spots = [0, 1, text.indexOf(",") + 1, text.lastIndexOf(","), text.length - 1, text.length];
        const at = spots[Math.floor(place * spots.length)] ?? Math.floor(place * text.length);
        const broken = text.slice(0, at) + piece + text.slice(at + (isCut ? 1 : 0));
        const expected = outcome(() => JSON.parse(broken));
        const found = await parseInSlices(Buffer.from(broken)).then(
          (value) => ({ value }),
          (error: unknown) => ({ error: error instanceof SyntaxError }),
        );
        if ("value" in expected) assert.deepEqual(found, expected);
        else assert.ok("error" in found, `${piece} at ${at} of kind ${kind}`);
      },
    ),
    { numRuns: 30 },
  );
});

test("what nests too deep is refused, however large", async () => {
  const filler = "x".repeat(300_000);
  const text = `["${filler}", ${"[".repeat(2000)}${"]".repeat(2000)}]`;
  await assert.rejects(parseInSlices(Buffer.from(text)), InvalidRequestError);
});

test("a text of more than 16 MiB is refused before it is put together", async () => {
  const text = Buffer.alloc(2 ** 24 + 20, "x");
  const body = Buffer.concat([Buffer.from('["'), text, Buffer.from('"]')]);
  await assert.rejects(parseInSlices(body), /a text that is longer/);
});

test("a key that names a prototype is a key as any other, however large its object", async () => {
  const filler = "x".repeat(300_000);
  for (const text of [
    `{"a": "${filler}", "__proto__": {"b": 1}}`,
    `{"a": "${filler}", "b": {"constructor": {"prototype": 1}}}`,
    `{"__proto__": ["${filler}"]}`,
    `{"\\u005f_proto__": ["${filler}"]}`,
  ]) {
    const value = await parseInSlices(Buffer.from(text));
    assert.equal(Object.getPrototypeOf(value), Object.prototype);
    assert.equal(JSON.stringify(value), JSON.stringify(JSON.parse(text)));
  }
});

test("the event loop turns while a large body is parsed", async () => {
  const body = Buffer.from(JSON.stringify({ texts: Array.from({ length: 16 }, () => "y".repeat(500_000)) }));
  let turns = 0;
  const count = setInterval(() => turns++, 0);
  await parseInSlices(body);
  clearInterval(count);
  assert.ok(turns > 10, `${turns} turns`);
});
