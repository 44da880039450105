import type { Embedder } from "../../../inference/embedder.ts";
import type { Database } from "../../../platform/store/database.ts";
import type { Corpora } from "../corpus.ts";
import type { IndexStatus } from "../schema.ts";
import { progressOf } from "./index-record.ts";
import { indexesOf } from "./indexes.ts";
import { type RetrievalSettings, recipeFor } from "./recipe.ts";
import { indexState } from "./served-index.ts";

export interface IndexReportOptions {
  readonly database: () => Promise<Database>;
  readonly corpora: Corpora;
  readonly embedder: Embedder;
  readonly settings: RetrievalSettings;
}

/** What a client may know of a corpus's index. */
export class IndexReport {
  readonly #options: IndexReportOptions;

  constructor(options: IndexReportOptions) {
    this.#options = options;
  }

  /** @throws ApiError when there is no such corpus */
  async of(datasetId: string): Promise<IndexStatus> {
    const { corpora, embedder, settings } = this.#options;
    const corpus = await corpora.require(datasetId, "id");
    const recipe = recipeFor(embedder, settings);
    const indexes = await indexesOf(await this.#options.database(), datasetId);
    const { state, index } = indexState(indexes, recipe);
    return {
      dataset_id: datasetId,
      status: state,
      progress: index === undefined ? 0 : progressOf(index),
      documents: corpus.records,
      chunks: index?.chunks ?? 0,
      embedded_chunks: index?.embeddedChunks ?? 0,
      dimensions: recipe.dimensions,
      model: recipe.model,
      error: index?.error ?? null,
    };
  }
}
