import { ApiError, InvalidRequestError } from "../../errors.ts";
import type { Page } from "../../platform/paging.ts";
import type { Dataset, RagData } from "../datasets/dataset.ts";
import type { Datasets } from "../datasets/datasets.ts";
import type { Corpora, Corpus, CorpusDocument } from "./corpus.ts";

const PAGE = 100;

/** The uploaded datasets, as retrieval sees them. */
export class DatasetCorpora implements Corpora {
  readonly #datasets: Datasets;

  constructor(datasets: Datasets) {
    this.#datasets = datasets;
  }

  async require(datasetId: string, param: string): Promise<Corpus> {
    const { type, status, recordCount, error } = await this.#datasets.get(datasetId);
    if (type !== "rag_corpus") {
      throw new InvalidRequestError(`${datasetId} is of type ${type}; a rag_corpus is needed.`, { param });
    }
    if (status !== "ready") {
      const state = status === "processing" ? "is still being uploaded" : `failed to upload: ${error}`;
      throw new ApiError("conflict", `${datasetId} ${state}.`, { param });
    }
    return { datasetId, records: recordCount };
  }

  async list(): Promise<Corpus[]> {
    const corpora: Corpus[] = [];
    let cursor: string | null = null;
    do {
      const page: Page<Dataset> = await this.#datasets.list(
        { type: "rag_corpus", status: "ready" },
        { limit: PAGE, cursor: cursor ?? undefined },
      );
      corpora.push(...page.items.map(({ datasetId, recordCount }) => ({ datasetId, records: recordCount })));
      cursor = page.nextCursor;
    } while (cursor !== null);
    return corpora;
  }

  async documents(datasetId: string, from: number, limit: number): Promise<CorpusDocument[]> {
    const records = await this.#datasets.recordsFrom<RagData>(datasetId, from, limit);
    return records.map(({ recordId, data }) => ({ docId: recordId, title: data.title, text: data.text }));
  }
}
