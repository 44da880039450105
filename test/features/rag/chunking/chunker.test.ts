import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { chunkDocument } from "../../../../src/features/rag/chunking/chunker.ts";

/** One token for up to four characters of each word, so that long words cost more than one. */
const countTokens = async (texts: readonly string[]) =>
  texts.map((text) => (text.match(/\S{1,4}/gu) ?? []).length);

/** A tokenizer whose joined texts cost more than their parts. */
const countWithJoints = async (texts: readonly string[]) =>
  texts.map((text) => (text.match(/\S{1,4}/gu) ?? []).length + (text.match(/\s+/g) ?? []).length);

const line = fc.oneof(
  { weight: 6, arbitrary: fc.lorem({ mode: "sentences", maxCount: 4 }) },
  { weight: 2, arbitrary: fc.constantFrom("# One", "## Two ##", "### Three", "Title\n=====", "Part\n---") },
  {
    weight: 1,
    arbitrary: fc.constantFrom("```sh", "```", "~~~", "| a | b |", "    code()", "- item", "#!", "# "),
  },
  { weight: 2, arbitrary: fc.string({ unit: "grapheme", maxLength: 80 }) },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 200 }) },
);
const documentText = fc
  .array(fc.tuple(line, fc.constantFrom("\n", "\n\n", "\r\n", "\r\n\r\n", " ")), { maxLength: 40 })
  .map((parts) => parts.flat().join(""));
const sizes = fc
  .tuple(fc.integer({ min: 2, max: 60 }), fc.double({ min: 0, max: 0.5, noNaN: true }))
  .map(([budget, share]) => ({ budget, overlap: Math.floor(budget * share) }));

describe("chunks of any document", () => {
  test("stand where they say, in order", async () => {
    await fc.assert(
      fc.asyncProperty(documentText, sizes, async (text, options) => {
        const chunks = await chunkDocument(text, options, countTokens);
        for (const [index, chunk] of chunks.entries()) {
          assert.equal(chunk.text, text.slice(chunk.start, chunk.end));
          assert.equal(chunk.text.trim(), chunk.text);
          const before = chunks[index - 1];
          if (before !== undefined) assert.ok(chunk.start > before.start && chunk.end > before.end);
        }
      }),
    );
  });

  test("hold every character that is not white space", async () => {
    await fc.assert(
      fc.asyncProperty(documentText, sizes, async (text, options) => {
        let covered = 0;
        for (const { start, end } of await chunkDocument(text, options, countTokens)) {
          assert.equal(text.slice(covered, Math.max(covered, start)).trim(), "");
          covered = end;
        }
        assert.equal(text.slice(covered).trim(), "");
      }),
    );
  });

  test("keep the budget, whatever the tokenizer makes of joined text", async () => {
    for (const count of [countTokens, countWithJoints]) {
      await fc.assert(
        fc.asyncProperty(documentText, sizes, async (text, options) => {
          const chunks = await chunkDocument(text, options, count);
          for (const tokens of await count(chunks.map((chunk) => chunk.text)))
            assert.ok(tokens <= options.budget, `${tokens} tokens, budget ${options.budget}`);
        }),
      );
    }
  });

  test("never cut a character in two", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary", minLength: 1, maxLength: 300 }), async (text) => {
        for (const chunk of await chunkDocument(text, { budget: 2, overlap: 0 }, countTokens))
          assert.ok(chunk.text.isWellFormed());
      }),
    );
  });
});

describe("a document with structure", () => {
  const guide = [
    "# Guide",
    "How to run the server on one machine, and what to look at when it is slow.",
    "## Keys",
    "A key is rotated in two steps. First the new key is added. Then the old one is taken away.",
    "```sh\n# not a heading\nserver keys add\n```",
    "## Limits",
    "One request may hold a hundred records. Larger ones are refused.",
  ].join("\n\n");

  test("is cut between its sections, and each chunk knows its headings", async () => {
    const chunks = await chunkDocument(guide, { budget: 60, overlap: 0 }, countTokens);
    assert.deepEqual(
      chunks.map(({ headingPath }) => headingPath),
      [["Guide"], ["Guide", "Keys"], ["Guide", "Limits"]],
    );
    assert.match(chunks[1]?.text ?? "", /^## Keys\n\nA key[\s\S]*not a heading[\s\S]*```$/);
  });

  test("repeats the last sentences of a section in its next chunk, and none of another section", async () => {
    const chunks = await chunkDocument(guide, { budget: 26, overlap: 10 }, countTokens);
    const keys = chunks.filter(({ headingPath }) => headingPath.includes("Keys"));
    assert.ok(keys.length > 1);
    assert.ok(keys[0]?.text.endsWith("First the new key is added."));
    assert.ok(keys[1]?.text.startsWith("First the new key is added."));
    for (const [index, chunk] of chunks.entries()) {
      const before = chunks[index - 1];
      if (before !== undefined && before.headingPath.at(-1) !== chunk.headingPath.at(-1))
        assert.ok(chunk.start >= before.end);
    }
  });

  test("keeps a heading with what it heads", async () => {
    const text = "# A\n\nok\n\n# B\n\none two three four five six seven eight nine ten";
    const chunks = await chunkDocument(text, { budget: 16, overlap: 0 }, countTokens);
    assert.ok(chunks.some((chunk) => chunk.text.startsWith("# B\n\none")));
    assert.ok(chunks.every((chunk) => !chunk.text.endsWith("# B")));
  });

  test("that is hard-wrapped is cut between sentences and not between lines", async () => {
    const text = "The first sentence runs\nover two lines. The second\nsentence does so too.";
    const chunks = await chunkDocument(text, { budget: 11, overlap: 0 }, countTokens);
    assert.deepEqual(
      chunks.map((chunk) => chunk.text),
      ["The first sentence runs\nover two lines.", "The second\nsentence does so too."],
    );
  });

  test("that is empty has no chunks", async () => {
    assert.deepEqual(await chunkDocument(" \n\n ", { budget: 10, overlap: 0 }, countTokens), []);
  });
});
