import type { TestContext } from "node:test";
import type { Corpora } from "../../src/features/rag/corpus.ts";
import type { IndexRecord } from "../../src/features/rag/index/index-record.ts";
import { Indexer } from "../../src/features/rag/index/indexer.ts";
import { indexesOf } from "../../src/features/rag/index/indexes.ts";
import type { Embedder } from "../../src/inference/embedder.ts";
import { EmbeddingEngine } from "../../src/inference/embedding/engine.ts";
import { LocalEmbedder } from "../../src/inference/embedding/local-embedder.ts";
import { universalSentenceEncoder } from "../../src/inference/embedding/universal-sentence-encoder.ts";
import { type Database, Store } from "../../src/platform/store/database.ts";
import { silentLog } from "./silent-log.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

export const CORPUS = "ds_test";

/** A store with one corpus, and the real embedding model. */
export interface IndexingWorkplace {
  readonly database: Database;
  readonly embedder: Embedder;
  indexer(options?: { readonly builder?: string; readonly graphFromChunks?: number }): Indexer;
  indexes(): Promise<IndexRecord[]>;
  /** Names of the tables that indexes have now. */
  tables(): Promise<string[]>;
}

export async function indexingWorkplace(
  test: TestContext,
  texts: readonly string[],
): Promise<IndexingWorkplace> {
  const store = new Store({
    dataDir: await temporaryDirectory(test),
    databaseUrl: undefined,
    log: silentLog,
  });
  const engine = new EmbeddingEngine({
    load: { network: { kind: "sentence-encoder" }, libraryDirectory: undefined, threads: 1 },
    maxQueue: 10_000,
    hangTimeoutMs: 60_000,
    log: { debug() {}, info() {}, warn() {}, error() {} },
  });
  const embedder = new LocalEmbedder(engine, universalSentenceEncoder);
  test.after(async () => {
    await embedder.close(0);
    await store.close();
  });
  const database = await store.database();
  await database.query(
    "INSERT INTO datasets (dataset_id, name, type, status, metadata) VALUES ($1, 'test', 'rag_corpus', 'ready', '{}')",
    [CORPUS],
  );
  const corpus = { datasetId: CORPUS, records: texts.length };
  const corpora: Corpora = {
    require: async () => corpus,
    list: async () => [corpus],
    documents: async (_datasetId, from, limit) =>
      texts
        .slice(from, from + limit)
        .map((text, offset) => ({ docId: `d${from + offset}`, title: undefined, text })),
  };
  return {
    database,
    embedder,
    indexer: ({ builder = "test", graphFromChunks } = {}) =>
      new Indexer({
        database: () => store.database(),
        corpora,
        embedder,
        settings: { chunkTokens: 256, language: "english" },
        builder,
        ...(graphFromChunks !== undefined && { graphFromChunks }),
        log: silentLog,
      }),
    indexes: () => indexesOf(database, CORPUS),
    tables: async () => {
      const rows = await database.query<{ name: string }>(
        "SELECT relname AS name FROM pg_inherits JOIN pg_class ON oid = inhrelid WHERE inhparent IN ('rag_chunks'::regclass, 'rag_vectors'::regclass, 'rag_words'::regclass)",
      );
      return rows.map(({ name }) => name);
    },
  };
}
