import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Corpora, CorpusDocument } from "../../src/features/rag/corpus.ts";
import type { Embedder } from "../../src/inference/embedder.ts";
import { EmbeddingEngine } from "../../src/inference/embedding/engine.ts";
import { LocalEmbedder } from "../../src/inference/embedding/local-embedder.ts";
import { universalSentenceEncoder } from "../../src/inference/embedding/universal-sentence-encoder.ts";
import { Store } from "../../src/platform/store/database.ts";

const quiet = { debug() {}, info() {}, warn: console.warn, error: console.error };

/** The embedding model that is installed with the server. */
export function installedEmbedder(): Embedder {
  const engine = new EmbeddingEngine({
    load: { network: { kind: "sentence-encoder" }, libraryDirectory: undefined, threads: 0 },
    maxQueue: 1_000_000,
    hangTimeoutMs: 120_000,
    log: quiet,
  });
  return new LocalEmbedder(engine, universalSentenceEncoder);
}

/** An embedded store: in `keptIn`, or in a directory of its own that is removed with it. */
export async function openStore(keptIn?: string): Promise<{ readonly store: Store } & AsyncDisposable> {
  const dataDir = keptIn ?? (await mkdtemp(join(tmpdir(), "llm-server-bench-")));
  const store = new Store({ dataDir, databaseUrl: undefined, log: quiet });
  return {
    store,
    [Symbol.asyncDispose]: async () => {
      await store.close();
      if (keptIn === undefined) await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** One corpus of documents at hand, entered as a dataset for what refers to it. */
export async function corpusOf(
  store: Store,
  datasetId: string,
  documents: readonly CorpusDocument[],
): Promise<Corpora> {
  await (await store.database()).query(
    `INSERT INTO datasets (dataset_id, name, type, status, metadata)
     VALUES ($1, $1, 'rag_corpus', 'ready', '{}') ON CONFLICT DO NOTHING`,
    [datasetId],
  );
  const corpus = { datasetId, records: documents.length };
  return {
    require: async () => corpus,
    list: async () => [corpus],
    documents: async (_datasetId, from, limit) => documents.slice(from, from + limit),
  };
}
