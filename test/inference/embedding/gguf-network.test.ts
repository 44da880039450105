import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { ApiError } from "../../../src/errors.ts";
import type { GgufNetworkOptions } from "../../../src/inference/embedding/protocol.ts";
import { LlamaError } from "../../../src/inference/llama/errors.ts";
import {
  type BertOptions,
  bertInput,
  bertPair,
  bertReference,
  makeBert,
  type TestBert,
} from "../../support/bert.ts";
import { InProcessEmbedder } from "../../support/in-process-embedder.ts";
import { makeLastPoolingLlama } from "../../support/last-pooling-llama.ts";
import { TEST_MODEL } from "../../support/model.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const texts = ["hello world", "a", "how do keys rotate? nobody knows.", "it is 20 degrees, outside"];

async function bertOf(context: TestContext, pooling: BertOptions["pooling"]): Promise<TestBert> {
  return makeBert(join(await temporaryDirectory(context), "bert.gguf"), { pooling });
}

function open(path: string, task: GgufNetworkOptions["task"] = "embed"): InProcessEmbedder {
  return new InProcessEmbedder({ kind: "gguf", path, task, contextSize: 0, gpuLayers: 0 });
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  assert.equal(a.length, b.length);
  return Math.max(...Array.from(a, (value, i) => Math.abs(value - (b[i] as number))));
}

/** ggml looks GELU up in a table of half-precision numbers. */
const TOLERANCE = 3e-3;

for (const pooling of ["mean", "cls", "last"] as const) {
  test(`a BERT with ${pooling} pooling makes the vectors that its definition says`, async (context) => {
    const bert = await bertOf(context, pooling);
    const embedder = open(bert.path);
    assert.equal(embedder.host.description.dimensions, 64);
    assert.equal(embedder.host.description.maxTokens, 64);
    const vectors = embedder.embed(texts);
    for (const [index, text] of texts.entries()) {
      const expected = bertReference(bert, bertInput(text));
      assert.ok(largestDifference(vectors[index] ?? [], expected) < TOLERANCE, text);
    }
    assert.deepEqual(
      embedder.host.count(texts),
      texts.map((text) => bertInput(text).length),
    );
  });
}

test("a Llama with last pooling makes the state after its last token", async (context) => {
  const llama = await makeLastPoolingLlama(await temporaryDirectory(context));
  const embedder = open(llama.path);
  const inputs = ["the cat sat", "on a mat and slept there", "no"];
  const vectors = embedder.embed(inputs);
  for (const [index, text] of inputs.entries()) {
    const logits = llama.logitsOf(vectors[index] as Float32Array);
    assert.ok(largestDifference(logits, llama.referenceLogits(text)) < 5e-3, text);
  }
});

test("a text that can't fit is refused without asking a tokenizer that would take minutes", async (context) => {
  const llama = await makeLastPoolingLlama(await temporaryDirectory(context));
  const { host } = open(llama.path);
  const hopeless = "a".repeat(1_000_000);
  assert.throws(() => host.embed(1, [hopeless]), { code: "context_length_exceeded", message: /at least/ });
  assert.ok((host.count([hopeless])[0] as number) > host.description.maxTokens);
});

test("more texts than fit one call get the vectors that each has alone", async (context) => {
  const embedder = open((await bertOf(context, "mean")).path);
  const many = Array.from(
    { length: 150 },
    (_, index) => `text number ${index}, ${"more ".repeat(index % 9)}`,
  );
  const together = embedder.embed(many);
  for (const index of [0, 63, 64, 149]) {
    const [alone] = embedder.embed([many[index] as string]);
    assert.ok(largestDifference(together[index] ?? [], alone ?? []) < 1e-3);
  }
});

test("a cross-encoder's score is its head's output for the pair", async (context) => {
  const bert = await bertOf(context, "rank");
  const query = "what is it?";
  const scores = open(bert.path, "rank").rank(query, texts);
  for (const [index, text] of texts.entries()) {
    const [expected] = bertReference(bert, bertPair(query, text));
    assert.ok(Math.abs((scores[index] as number) - (expected as number)) < TOLERANCE, text);
  }
});

test("a text over the window is refused by its index, with the numbers", async (context) => {
  const embedder = open((await bertOf(context, "cls")).path);
  const longest = "a ".repeat(62).trim();
  assert.equal(embedder.embed([longest]).length, 1);
  assert.throws(
    () => embedder.embed(["short", `${longest} a`]),
    (error: ApiError) => {
      assert.equal(error.code, "context_length_exceeded");
      assert.equal(error.details?.["index"], 1);
      assert.equal(error.details?.["prompt_tokens"], 65);
      assert.equal(error.details?.["context_window"], 64);
      return true;
    },
  );
  assert.equal(embedder.host.hasWork, false);
});

test("text that spells a special token is text", async (context) => {
  const embedder = open((await bertOf(context, "mean")).path);
  // Brackets are not in this vocabulary: an unknown word each, and between them three letters.
  assert.ok((embedder.host.count(["[SEP]"])[0] as number) > 3);
});

test("word pieces can't be turned back into text", async (context) => {
  const embedder = open((await bertOf(context, "mean")).path);
  assert.throws(() => embedder.host.detokenize([[7, 8]]), { code: "invalid_request", details: { index: 0 } });
});

const refusals: ReadonlyArray<
  readonly [what: string, BertOptions["pooling"], GgufNetworkOptions["task"], RegExp]
> = [
  ["a model without pooling", "none", "embed", /no pooling/],
  ["a reranker as an embedding model", "rank", "embed", /RERANK_MODEL/],
  ["an embedding model as a reranker", "mean", "rank", /not a reranker/],
];
for (const [what, pooling, task, message] of refusals) {
  test(`${what} is refused with the reason`, async (context) => {
    const { path } = await bertOf(context, pooling);
    assert.throws(
      () => open(path, task),
      (error) => error instanceof LlamaError && message.test(error.message),
    );
  });
}

test("a model that only generates is refused with the reason", () => {
  assert.throws(
    () => open(TEST_MODEL),
    (error) => error instanceof LlamaError && /not an embedding model/.test(error.message),
  );
});

test("the vector space is named by the file's content and not by its name", async (context) => {
  const directory = await temporaryDirectory(context);
  const spaceOf = async (name: string, seed: number) => {
    const { path } = await makeBert(join(directory, name), { pooling: "mean", seed });
    return open(path).host.description.space;
  };
  const first = await spaceOf("a.gguf", 1);
  assert.equal(await spaceOf("b.gguf", 1), first);
  assert.notEqual(await spaceOf("a.gguf", 2), first);
});
