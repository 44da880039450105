import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { pino } from "pino";
import type { Embedder, Embeddings, EmbedOptions } from "../../../src/inference/embedder.ts";
import { CachedEmbedder } from "../../../src/inference/embedding/cached-embedder.ts";
import { EmbedderDecorator } from "../../../src/inference/embedding/embedder-decorator.ts";
import { EmbeddingEngine } from "../../../src/inference/embedding/engine.ts";
import { LocalEmbedder } from "../../../src/inference/embedding/local-embedder.ts";
import { profileOf } from "../../../src/inference/embedding/profiles.ts";
import { MemoryCache } from "../../../src/platform/cache/memory-cache.ts";
import { makeBert } from "../../support/bert.ts";
import { installedEmbedder } from "../../support/embedder.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

/** Notes what is computed. */
class Counting extends EmbedderDecorator {
  readonly computed: string[] = [];

  embed(texts: readonly string[], options?: EmbedOptions): Promise<Embeddings> {
    this.computed.push(...texts);
    return this.inner.embed(texts, options);
  }
}

function installed(context: TestContext): Embedder {
  const embedder = installedEmbedder();
  context.after(() => embedder.close(0));
  return embedder;
}

test("each text is computed once, and comes back the same from the cache", async (context) => {
  const counting = new Counting(installed(context));
  const cached = new CachedEmbedder(counting, new MemoryCache(2 ** 20));
  const first = await cached.embed(["a cat", "a dog", "a cat"]);
  const second = await cached.embed(["a dog", "a bird", "a cat"]);
  assert.deepEqual(counting.computed, ["a cat", "a dog", "a bird"]);
  assert.deepEqual(second.vectors[0], first.vectors[1]);
  assert.deepEqual(second.vectors[2], first.vectors[0]);
  assert.deepEqual(first.vectors[2], first.vectors[0]);
  assert.deepEqual(second.tokens, [first.tokens[1], second.tokens[1], first.tokens[0]]);
  assert.ok(second.lengths.every((length) => Math.abs(length - 1) < 1e-6));
});

test("a text at fault is named by its place in the request, whatever is cached", async (context) => {
  const cached = new CachedEmbedder(installed(context), new MemoryCache(2 ** 20));
  await cached.embed(["known"]);
  await assert.rejects(cached.embed(["known", "new", "known", "cat ".repeat(129)]), (error: unknown) => {
    return (error as { details: { index: number } }).details.index === 3;
  });
});

test("the vectors of another model are never taken from the cache", async (context) => {
  const cache = new MemoryCache(2 ** 20);
  const embedder = installed(context);
  const other = new Counting(embedder);
  Object.defineProperty(other, "id", { value: "another model" });
  await new CachedEmbedder(embedder, cache).embed(["a cat"]);
  await new CachedEmbedder(other, cache).embed(["a cat"]);
  assert.deepEqual(other.computed, ["a cat"]);
});

test("questions and documents get the prefixes that the model was trained with", async (context) => {
  const { path } = await makeBert(join(await temporaryDirectory(context), "bert.gguf"), { pooling: "mean" });
  const engine = new EmbeddingEngine({
    load: {
      network: { kind: "gguf", path, task: "embed", contextSize: 0, gpuLayers: 0 },
      libraryDirectory: undefined,
      threads: 1,
    },
    maxQueue: 100,
    hangTimeoutMs: 30_000,
    log: pino({ level: "silent" }),
  });
  context.after(() => engine.close(0));
  const { space, dimensions, maxTokens } = await engine.start();
  const embedder = new LocalEmbedder(engine, {
    id: space,
    model: "e5-small",
    dimensions,
    maxTokens,
    profile: profileOf(["intfloat/e5-small-v2"]),
  });
  const [plain] = (await embedder.embed(["query: what", "passage: what", "what"])).vectors as [Float32Array];
  const [asQuery] = (await embedder.embed(["what"], { purpose: "query" })).vectors as [Float32Array];
  const [asDocument] = (await embedder.embed(["what"], { purpose: "document" })).vectors as [Float32Array];
  assert.ok(plain.every((value, i) => Math.abs(value - (asQuery[i] as number)) < 1e-4));
  assert.notDeepEqual(asDocument, asQuery);
});

test("no texts give no vectors", async (context) => {
  assert.deepEqual(await installed(context).embed([]), { vectors: [], lengths: [], tokens: [] });
});
