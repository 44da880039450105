import type { DatasetAnswer } from "../../../src/features/datasets/schema.ts";
import type { IndexStatus } from "../../../src/features/rag/schema.ts";
import { ApiFailure, call, failureOf } from "../api/client.ts";
import { followRecords } from "../api/live.svelte.ts";

interface Page {
  readonly data: readonly DatasetAnswer[];
  readonly next_cursor: string | null;
}

/** The datasets of the server, and how far their indexes are. */
export class Datasets {
  all = $state.raw<readonly DatasetAnswer[] | null>(null);
  indexes = $state.raw<ReadonlyMap<string, IndexStatus>>(new Map());
  error = $state.raw<unknown>(null);
  #more = $state.raw<string | null>(null);

  get hasMore(): boolean {
    return this.#more !== null;
  }

  /** Reads the list, and what is not ready yet whenever something was stored. */
  watch(): () => void {
    const load = async (signal: AbortSignal) => {
      if (this.all === null) await this.#load(signal);
      await Promise.all(
        (this.all ?? []).filter((each) => this.#isGrowing(each)).map((each) => this.#look(each, signal)),
      );
    };
    return followRecords(
      (signal) => this.#try(signal, () => load(signal)),
      (failure) => {
        this.error = failure;
      },
    );
  }

  async loadMore(): Promise<void> {
    const page = await call<Page>(`/v1/datasets?limit=50&cursor=${encodeURIComponent(this.#more ?? "")}`);
    this.all = [...(this.all ?? []), ...page.data];
    this.#more = page.next_cursor;
  }

  /** @throws ApiFailure, Unreachable */
  async upload(file: File, name: string, type: string): Promise<DatasetAnswer> {
    const form = new FormData();
    form.set("name", name);
    form.set("type", type);
    form.set("file", file);
    const dataset = await call<DatasetAnswer>("/v1/datasets", { method: "POST", body: form });
    const others = (this.all ?? []).filter(({ dataset_id }) => dataset_id !== dataset.dataset_id);
    this.all = [dataset, ...others];
    return dataset;
  }

  /** @throws ApiFailure, Unreachable */
  async remove({ dataset_id }: DatasetAnswer): Promise<void> {
    await call(`/v1/datasets/${encodeURIComponent(dataset_id)}`, { method: "DELETE" });
    this.all = (this.all ?? []).filter((each) => each.dataset_id !== dataset_id);
  }

  #isGrowing(dataset: DatasetAnswer): boolean {
    if (dataset.status === "processing") return true;
    if (dataset.type !== "rag_corpus" || dataset.status !== "ready") return false;
    const status = this.indexes.get(dataset.dataset_id)?.status;
    return status !== "ready" && status !== "failed";
  }

  async #load(signal: AbortSignal): Promise<void> {
    const page = await call<Page>("/v1/datasets?limit=50", { signal });
    this.all = page.data;
    this.#more = page.next_cursor;
  }

  async #look({ dataset_id, type }: DatasetAnswer, signal: AbortSignal): Promise<void> {
    const id = encodeURIComponent(dataset_id);
    try {
      const now = await call<DatasetAnswer>(`/v1/datasets/${id}`, { signal });
      this.all = (this.all ?? []).map((each) => (each.dataset_id === dataset_id ? now : each));
      if (type !== "rag_corpus") return;
      const index = await call<IndexStatus>(`/v1/rag/indexes/${id}`, { signal });
      this.indexes = new Map([...this.indexes, [dataset_id, index]]);
    } catch (error) {
      // Deleted elsewhere meanwhile.
      if (!(error instanceof ApiFailure && error.status === 404)) throw error;
      this.all = (this.all ?? []).filter((each) => each.dataset_id !== dataset_id);
    }
  }

  async #try(signal: AbortSignal, work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      this.error = null;
    } catch (error) {
      if (!signal.aborted) this.error = failureOf(error);
    }
    return this.error === null;
  }
}
