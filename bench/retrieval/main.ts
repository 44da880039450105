/**
 * Retrieval quality on a labelled set: `npm run bench:retrieval` (docs/retrieval.md). Documents are what npm packages
 * ship (sources.json); questions and the sections that answer them are in questions.jsonl.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Indexer } from "../../src/features/rag/index/indexer.ts";
import { indexesOf } from "../../src/features/rag/index/indexes.ts";
import { isRelevant } from "../../src/features/rag/search/relevance.ts";
import {
  type FoundChunk,
  Retriever,
  type SearchMethod,
  searchMethods,
} from "../../src/features/rag/search/retriever.ts";
import { qualityOf } from "./quality.ts";
import { answers, readQuestions, readUnanswerable } from "./questions.ts";
import { readDocuments } from "./sources.ts";
import { corpusOf, installedEmbedder, openStore } from "./workplace.ts";

const DATASET = "ds_evaluation";
const { values } = parseArgs({
  options: {
    "chunk-tokens": { type: "string", default: "256" },
    floor: { type: "string", default: "0.5" },
    /** Keeps the index there for the next run. */
    "data-dir": { type: "string" },
    /** Writes the scores of each question's best passages, to choose a floor by. */
    scores: { type: "string" },
  },
});

const documents = readDocuments();
const embedder = installedEmbedder();
await using workplace = await openStore(values["data-dir"]);
const { store } = workplace;
const corpora = await corpusOf(store, DATASET, documents);
const settings = { chunkTokens: Number(values["chunk-tokens"]), language: "english" };
const database = await store.database();
const indexer = new Indexer({
  database: () => store.database(),
  corpora,
  embedder,
  settings,
  builder: "bench",
  log: { info: console.log, warn: console.warn },
});
await indexer.resume();
await indexer.idle();
const [index] = await indexesOf(database, DATASET);
if (index?.status !== "ready") throw new Error(`the index is not ready: ${index?.error}`);
console.log(`${documents.length} documents, ${index.chunks} chunks, ${index.model}`);

const retriever = new Retriever(embedder, settings.language);
const search = (question: string, method: SearchMethod) =>
  retriever.search(database, index, { question, method, limit: 10, signal: new AbortController().signal });

const questions = readQuestions();
const asked = new Map<
  SearchMethod,
  Array<{ readonly half: string; readonly found: FoundChunk[]; readonly rank: number }>
>();
for (const method of searchMethods) {
  const results = [];
  for (const question of questions) {
    const found = await search(question.question, method);
    results.push({ half: question.half, found, rank: found.findIndex((chunk) => answers(chunk, question)) });
  }
  asked.set(method, results);
}
console.log(`\n| method | set | questions | recall@5 | nDCG@10 |\n| --- | --- | ---: | ---: | ---: |`);
for (const method of searchMethods) {
  for (const half of ["dev", "test", "all"]) {
    const results = (asked.get(method) ?? []).filter((result) => half === "all" || result.half === half);
    const quality = qualityOf(results.map(({ rank }) => rank));
    console.log(
      `| ${method} | ${half} | ${quality.questions} | ${quality.recallAt5.toFixed(3)} | ${quality.ndcgAt10.toFixed(3)} |`,
    );
  }
}

const unanswerable = readUnanswerable();
console.log(`\n| method | answerable with passages | unanswerable without |\n| --- | ---: | ---: |`);
const scores = [];
for (const method of searchMethods) {
  const floor = Number(values.floor);
  const isAnswered = (found: readonly FoundChunk[]) =>
    found.slice(0, 5).some((chunk) => isRelevant(chunk, method, floor));
  const answered = (asked.get(method) ?? []).filter(({ found }) => isAnswered(found)).length;
  let refused = 0;
  for (const question of unanswerable) {
    const found = await search(question, method);
    if (!isAnswered(found)) refused++;
    scores.push({ method, answerable: false, ...best(found) });
  }
  scores.push(
    ...(asked.get(method) ?? []).map(({ found }) => ({ method, answerable: true, ...best(found) })),
  );
  console.log(
    `| ${method} | ${((100 * answered) / questions.length).toFixed(0)} % | ${((100 * refused) / unanswerable.length).toFixed(0)} % |`,
  );
}
if (values.scores !== undefined) writeFileSync(values.scores, JSON.stringify(scores));
await indexer.close();
await embedder.close(1000);

function best(found: readonly FoundChunk[]) {
  const top = found.slice(0, 5);
  return {
    similarity: Math.max(...top.map(({ similarity }) => similarity ?? -1)),
    coverage: Math.max(0, ...top.map(({ coverage }) => coverage)),
  };
}
