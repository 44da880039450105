import assert from "node:assert/strict";
import { test } from "node:test";
import { readUniversalSentenceEncoder } from "../../../src/inference/embedding/universal-sentence-encoder.ts";
import { loadLlama } from "../../../src/inference/llama/bindings.ts";
import { SentenceEncoder } from "../../../src/inference/llama/sentence-encoder.ts";
import { referenceEncode } from "../../support/reference-encoder.ts";
// Made by make-vectors.mjs with the model's own package.
import published from "./vectors.json" with { type: "json" };

const { weights, tokenizer } = readUniversalSentenceEncoder();
const encoder = new SentenceEncoder(loadLlama(), weights);

function unit(vector: ArrayLike<number>): number[] {
  const values = Array.from(vector);
  const length = Math.hypot(...values);
  return values.map((value) => value / length);
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Math.max(...Array.from(a, (value, i) => Math.abs(value - (b[i] as number))));
}

for (const { text, ids, vector } of published) {
  test(`tokens and vector are the published package's: ${text.slice(0, 40)}`, () => {
    const tokens = tokenizer.tokenize(text);
    assert.deepEqual([...tokens], ids);
    assert.ok(largestDifference(unit(encoder.encode([tokens])[0] ?? []), vector) < 2e-6);
  });
}

test("the network computes what plain float64 arithmetic does, for every text of a batch", () => {
  const texts = ["one", "a second text, somewhat longer", "and a third"].map((text) =>
    tokenizer.tokenize(text),
  );
  const vectors = encoder.encode(texts);
  for (const [index, tokens] of texts.entries()) {
    const expected = referenceEncode(weights, tokens);
    assert.ok(largestDifference(vectors[index] ?? [], expected) < 1e-5);
  }
});

test("the number of threads changes nothing that matters", () => {
  const tokens = tokenizer.tokenize("the number of threads");
  encoder.setThreads(1);
  const [one = new Float32Array()] = encoder.encode([tokens]);
  encoder.setThreads(2);
  const [two = new Float32Array()] = encoder.encode([tokens]);
  encoder.setThreads(1);
  assert.ok(largestDifference(one, two) < 1e-5);
});

test("white space is one space, and compatibility forms are what they stand for", () => {
  const plain = [...tokenizer.tokenize("the first office")];
  for (const text of ["  the\tfirst \n office ", "the ﬁrst office", "ｔｈｅ first o\ufb03ce"])
    assert.deepEqual([...tokenizer.tokenize(text)], plain, text);
});

test("characters outside the vocabulary have no tokens", () => {
  assert.deepEqual(
    [...tokenizer.tokenize("hello 你好 😀 world")],
    [...tokenizer.tokenize("hello"), 30, 30, ...tokenizer.tokenize("world")],
  );
  assert.deepEqual([...tokenizer.tokenize("")], [30]);
});

test("what was tokenized can be spelled again", () => {
  const text = "How do I rotate the API keys of my account?";
  assert.equal(tokenizer.detokenize([...tokenizer.tokenize(text)]), text);
  assert.equal(tokenizer.detokenize([8000]), undefined);
});
