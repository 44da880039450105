import assert from "node:assert/strict";
import { test } from "node:test";
import { Retriever } from "../../../../src/features/rag/search/retriever.ts";
import { CORPUS, indexingWorkplace } from "../../../support/indexing.ts";
import { until } from "../../../support/server.ts";

const texts = Array.from(
  { length: 60 },
  (_, n) =>
    `Ship ${n} carries ${["coal", "tea", "timber", "salt"][n % 4]} to harbour ${n}. Its captain is named Kappa${n}.`,
);

test("an index that was stopped half-way is gone on with, and ends as if it had not been", async (context) => {
  const workplace = await indexingWorkplace(context, texts);
  const first = workplace.indexer();
  first.add(CORPUS);
  await until(async () => ((await workplace.indexes())[0]?.embeddedChunks ?? 0) > 0);
  await first.close();
  const [stopped] = await workplace.indexes();
  const second = workplace.indexer();
  await second.resume();
  await second.idle();
  const [index] = await workplace.indexes();
  assert.ok(stopped !== undefined && stopped.embeddedChunks < texts.length);
  assert.equal(index?.status, "ready");
  assert.equal(index?.chunks, texts.length);
  const [counts] = await workplace.database.query<object>(
    `SELECT count(*) AS count, max(ordinal) AS last FROM rag_vectors_${index?.indexId}`,
  );
  assert.deepEqual(counts, { count: texts.length, last: texts.length - 1 });
});

test("an index that another server is building is left to it", async (context) => {
  const workplace = await indexingWorkplace(context, texts.slice(0, 4));
  const first = workplace.indexer({ builder: "one" });
  first.add(CORPUS);
  await first.idle();
  await workplace.database.query(
    "UPDATE rag_indexes SET status = 'building', builder = 'two', builder_until = now() + interval '1 minute'",
  );
  const second = workplace.indexer({ builder: "one" });
  second.add(CORPUS);
  await second.idle();
  await second.close();
  assert.equal((await workplace.indexes())[0]?.status, "building");
});

test("a corpus that is deleted while it is indexed leaves no tables behind", async (context) => {
  const workplace = await indexingWorkplace(context, texts);
  const indexer = workplace.indexer();
  indexer.add(CORPUS);
  await until(async () => ((await workplace.indexes())[0]?.embeddedChunks ?? 0) > 0);
  await workplace.database.query("DELETE FROM datasets WHERE dataset_id = $1", [CORPUS]);
  await indexer.remove(CORPUS);
  await indexer.idle();
  assert.deepEqual(await workplace.tables(), []);
});

test("a large index has a graph, which finds what an exact search finds", async (context) => {
  const workplace = await indexingWorkplace(context, texts);
  const retriever = new Retriever(workplace.embedder, "english");
  const signal = new AbortController().signal;
  const found = [];
  for (const graphFromChunks of [1_000, 10]) {
    await workplace.database.query("DELETE FROM rag_indexes");
    const indexer = workplace.indexer({ graphFromChunks });
    indexer.add(CORPUS);
    await indexer.idle();
    const [index] = await workplace.indexes();
    assert.ok(index !== undefined);
    assert.equal(index.hasGraph, graphFromChunks === 10);
    const question = { question: "Which ships carry tea?", method: "vector", limit: 5, signal } as const;
    found.push(await retriever.search(workplace.database, index, question));
  }
  assert.deepEqual(found[0], found[1]);
});
