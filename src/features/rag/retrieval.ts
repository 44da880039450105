import { randomUUID } from "node:crypto";
import type { ChatModel } from "../../assistant/template/chat-model.ts";
import { UnavailableError } from "../../errors.ts";
import type { Embedder } from "../../inference/embedder.ts";
import type { Reranker } from "../../inference/reranker.ts";
import type { Log } from "../../platform/log.ts";
import type { Store } from "../../platform/store/database.ts";
import type { Datasets } from "../datasets/datasets.ts";
import { RagService } from "./answer/service.ts";
import { DatasetCorpora } from "./dataset-corpora.ts";
import { IndexReport } from "./index/index-report.ts";
import { Indexer } from "./index/indexer.ts";
import type { RetrievalSettings } from "./index/recipe.ts";
import { CorpusSearch } from "./search/search.ts";

export interface RetrievalOptions {
  readonly model: ChatModel;
  readonly embedder: Embedder;
  readonly reranker: Reranker;
  readonly datasets: Datasets;
  readonly store: Store;
  readonly settings: RetrievalSettings & { readonly relevanceFloor: number };
  readonly randomSeed: () => number;
  readonly log: Pick<Log, "info" | "warn">;
}

/** Retrieval as a whole: corpora are indexed as they come, searched, and answered from. */
export class Retrieval {
  readonly rag: RagService;
  readonly indexes: IndexReport;
  readonly #indexer: Indexer;
  readonly #options: RetrievalOptions;

  constructor(options: RetrievalOptions) {
    const { model, embedder, reranker, datasets, store, settings, randomSeed, log } = options;
    this.#options = options;
    const corpora = new DatasetCorpora(datasets);
    const database = () => vectorDatabase(store);
    const common = { database, corpora, embedder, settings };
    const search = new CorpusSearch({ ...common, reranker, similarityFloor: settings.relevanceFloor });
    this.rag = new RagService({ model, search, randomSeed });
    this.indexes = new IndexReport(common);
    // An embedded database has one owner, so after a crash no other server can be building.
    const builder = store.status.kind === "pglite" ? "embedded" : randomUUID();
    this.#indexer = new Indexer({ ...common, builder, log });
    datasets.subscribe({
      created: ({ datasetId, type }) => {
        if (type === "rag_corpus") this.#indexer.add(datasetId);
      },
      deleted: (datasetId) => this.#inBackground(this.#indexer.remove(datasetId)),
    });
  }

  /** Resumes what an earlier process left unfinished; a store that was never used stays closed. */
  start(): void {
    if (this.#options.store.hasData) this.#inBackground(this.#indexer.resume());
  }

  /** Ends after the step that is running. */
  async close(): Promise<void> {
    await this.#indexer.close();
  }

  #inBackground(work: Promise<void>): void {
    work.catch((error: unknown) => this.#options.log.warn(`indexing: ${(error as Error).message}`));
  }
}

/** @throws UnavailableError when the store has no vectors */
async function vectorDatabase(store: Store) {
  const missing = await store.missingExtension("vector");
  if (missing !== undefined)
    throw new UnavailableError("store_unavailable", `Retrieval needs pgvector: ${missing}.`);
  return store.database();
}
