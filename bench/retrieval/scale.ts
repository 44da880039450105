/**
 * Retrieval at scale: `npm run bench:retrieval:scale -- --chunks 100000` (docs/retrieval.md). Stores generated chunks
 * with the indexer's own steps, then compares searches in the graph with exact ones.
 */
import { parseArgs } from "node:util";
import { addChunks, addGraph, addVectors, claim, summarize } from "../../src/features/rag/index/building.ts";
import type { IndexRecord } from "../../src/features/rag/index/index-record.ts";
import { createIndex, indexesOf, publishIndex } from "../../src/features/rag/index/indexes.ts";
import { Retriever } from "../../src/features/rag/search/retriever.ts";
import { searchVectors } from "../../src/features/rag/search/vector.ts";
import { searchableText } from "../../src/features/rag/words.ts";
import type { Database } from "../../src/platform/store/database.ts";
import { ClusteredVectors } from "./clustered-vectors.ts";
import { corpusOf, openStore } from "./workplace.ts";
import { zipfText } from "./zipf-text.ts";

const DATASET = "ds_scale";
const BUILDER = "bench";
const LANGUAGE = "english";
const NEIGHBOURS = 10;

const { values } = parseArgs({
  options: {
    chunks: { type: "string", default: "100000" },
    dimensions: { type: "string", default: "512" },
    queries: { type: "string", default: "200" },
    /** Keeps the store there, and resumes what an earlier run of the same options left. */
    "data-dir": { type: "string" },
    seed: { type: "string", default: "1" },
  },
});
const chunks = Number(values.chunks);
const dimensions = Number(values.dimensions);
const source = new ClusteredVectors(dimensions, Number(values.seed));
const text = zipfText(Number(values.seed));
const signal = new AbortController().signal;
/** For the exact search to compare with. */
const vectors: Float32Array[] = [];

await using workplace = await openStore(values["data-dir"]);
const { store } = workplace;
const database = await store.database();
await corpusOf(store, DATASET, []);
const recipe = { embedderId: "generated", model: "generated", dimensions, method: "bench" };
await createIndex(database, { datasetId: DATASET, records: chunks }, recipe);
const [created] = await indexesOf(database, DATASET);
if (created === undefined || !(await claim(database, created, BUILDER))) throw new Error("no index");

let index = created;
if (index.chunks < chunks) {
  index = await timed("chunks stored and their words indexed", () => storeChunks(database, created));
  await timed("words summarized", () => summarize({ database, index, builder: BUILDER }));
}
const missing = chunks - index.embeddedChunks;
while (vectors.length < index.embeddedChunks) vectors.push(source.next());
index = await timed(`${missing} vectors stored and entered in the graph`, async () => {
  let filled = index.hasGraph ? index : await addGraph({ database, index, builder: BUILDER });
  while (filled.embeddedChunks < chunks) {
    const batch = Array.from({ length: Math.min(16, chunks - filled.embeddedChunks) }, () => source.next());
    vectors.push(...batch);
    filled = await addVectors({ database, index: filled, builder: BUILDER }, batch);
    if (filled.embeddedChunks % 10_000 === 0)
      console.log(`  ${filled.embeddedChunks} vectors, ${resident()}`);
  }
  return filled;
});
if (missing > 0) await publishIndex(database, index);

const queries = Array.from({ length: Number(values.queries) }, () => source.next());
const questions = queries.map(() => text.question());
const inGraph = (vector: Float32Array) =>
  database.transaction((inside) => searchVectors(inside, index, vector, NEIGHBOURS));
// The first pass after the store was opened reads the graph from disk.
const cold = await latencies(queries, inGraph);
const byVector = await latencies(queries, inGraph);
const found = byVector.results;
const recall =
  found.reduce(
    (sum, ordinals, query) => sum + overlap(ordinals, exactNeighbours(queries[query] ?? new Float32Array())),
    0,
  ) /
  (NEIGHBOURS * found.length);
console.log(`| search | p50 | p95 | recall@10 |\n| --- | ---: | ---: | ---: |`);
console.log(`| graph, first pass | ${cold.p50} ms | ${cold.p95} ms | |`);
console.log(`| graph | ${byVector.p50} ms | ${byVector.p95} ms | ${recall.toFixed(4)} |`);
let next = 0;
const embedder = {
  maxTokens: 1e9,
  dimensions,
  countTokens: async (texts: readonly string[]) => texts.map(() => 1),
  embed: async () => ({
    vectors: [queries[next++ % queries.length] as Float32Array],
    lengths: [1],
    tokens: [1],
  }),
} as unknown as ConstructorParameters<typeof Retriever>[0];
const retriever = new Retriever(embedder, LANGUAGE);
for (const method of ["vector", "lexical", "hybrid"] as const) {
  const { p50, p95 } = await latencies(questions, (question) =>
    retriever.search(database, index, { question, method, limit: NEIGHBOURS, signal }),
  );
  console.log(`| ${method}, passages read | ${p50} ms | ${p95} ms | |`);
}
console.log(resident());

async function storeChunks(target: Database, empty: IndexRecord): Promise<IndexRecord> {
  let filled = empty;
  while (filled.chunks < chunks) {
    const batch = Array.from({ length: Math.min(200, chunks - filled.chunks) }, () => {
      const words = text.passage();
      return {
        docId: "d",
        start: 0,
        end: words.length,
        headingPath: [],
        text: words,
        searchable: searchableText(words),
      };
    });
    filled = await addChunks(
      { database: target, index: filled, builder: BUILDER },
      { records: batch.length, chunks: batch, language: LANGUAGE },
    );
  }
  return filled;
}

function exactNeighbours(query: Float32Array): number[] {
  const scored = vectors.map((vector, ordinal) => ({ ordinal, score: dot(vector, query) }));
  return scored
    .sort((a, b) => b.score - a.score)
    .slice(0, NEIGHBOURS)
    .map(({ ordinal }) => ordinal);
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += (a[index] as number) * (b[index] as number);
  return sum;
}

function overlap(found: readonly number[], wanted: readonly number[]): number {
  return wanted.filter((ordinal) => found.includes(ordinal)).length;
}

async function latencies<Input, Output>(inputs: readonly Input[], search: (input: Input) => Promise<Output>) {
  const times: number[] = [];
  const results: Output[] = [];
  for (const input of inputs) {
    const startedAt = performance.now();
    results.push(await search(input));
    times.push(performance.now() - startedAt);
  }
  times.sort((a, b) => a - b);
  const at = (share: number) => (times[Math.floor(share * times.length)] ?? 0).toFixed(1);
  return { results, p50: at(0.5), p95: at(0.95) };
}

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const startedAt = performance.now();
  const result = await work();
  const seconds = (performance.now() - startedAt) / 1000;
  console.log(`${what}: ${seconds.toFixed(1)} s (${chunks} chunks), ${resident()}`);
  return result;
}

/** Of this process, with the generated vectors that the comparison needs. */
function resident(): string {
  const own = vectors.length * dimensions * 4;
  return `${Math.round((process.memoryUsage().rss - own) / 2 ** 20)} MiB resident without the benchmark's own vectors`;
}
