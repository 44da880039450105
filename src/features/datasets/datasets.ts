import { ApiError } from "../../errors.ts";
import { decodeCursor, type Page, toPage } from "../../platform/paging.ts";
import type { Database, Store } from "../../platform/store/database.ts";
import type { Dataset, DatasetRecord, DatasetType, JsonObject } from "./dataset.ts";
import {
  type DatasetFilter,
  deleteDataset,
  failAbandoned,
  findDataset,
  insertDataset,
  listDatasets,
  selectRecords,
} from "./dataset-table.ts";
import type { RecordSource } from "./formats/format.ts";
import { Ingestion } from "./ingestion.ts";

/** An upload on a shared database without news for this long belongs to a server that is gone. */
const ABANDONED_AFTER_SECONDS = 3600;
/** Records that an iteration fetches at a time. */
const PAGE_RECORDS = 200;

export interface NewUpload {
  readonly name: string;
  readonly type: DatasetType;
  readonly metadata: JsonObject;
  readonly source: RecordSource;
}

/** Hears of datasets that have become ready or are gone, after it is so. */
export interface DatasetListener {
  created?(dataset: Dataset): void;
  deleted?(datasetId: string): void;
}

export interface PageRequest {
  readonly limit: number;
  readonly cursor: string | undefined;
}

/** The datasets: named, unchanging lists of records. */
export class Datasets {
  readonly #store: Store;
  readonly #newId: () => string;
  readonly #listeners: DatasetListener[] = [];
  /** Datasets that this process is storing now. */
  readonly #ingesting = new Set<string>();
  #cleaning: Promise<number> | undefined;

  constructor(store: Store, newId: () => string = () => crypto.randomUUID().replaceAll("-", "")) {
    this.#store = store;
    this.#newId = newId;
  }

  subscribe(listener: DatasetListener): void {
    this.#listeners.push(listener);
  }

  /**
   * Stores an upload. It resolves when all of it is kept; until then the dataset is `processing`, and when this fails
   * or `signal` aborts it is gone.
   * @throws InvalidRequestError when no record is good
   */
  async create(upload: NewUpload, signal: AbortSignal): Promise<Dataset> {
    const datasetId = `ds_${this.#newId()}`;
    const { name, type, metadata, source } = upload;
    this.#ingesting.add(datasetId);
    try {
      await insertDataset(await this.#database(), { datasetId, name, type, metadata });
      await this.#ingest(datasetId, type, source, signal);
    } finally {
      this.#ingesting.delete(datasetId);
    }
    const dataset = await this.get(datasetId);
    for (const listener of this.#listeners) listener.created?.(dataset);
    return dataset;
  }

  /** @throws ApiError `not_found` */
  async get(datasetId: string): Promise<Dataset> {
    const dataset = await findDataset(await this.#database(), datasetId);
    if (dataset === undefined) throw noSuchDataset(datasetId);
    return dataset;
  }

  /** Newest first. */
  async list(filter: DatasetFilter, { limit, cursor }: PageRequest): Promise<Page<Dataset>> {
    const before = cursor === undefined ? undefined : decodeCursor(cursor);
    const rows = await listDatasets(await this.#database(), filter, before, limit + 1);
    return toPage(rows, limit, ({ position }) => position);
  }

  /** @throws ApiError `not_found` */
  async records(datasetId: string, { limit, cursor }: PageRequest): Promise<Page<DatasetRecord>> {
    const from = cursor === undefined ? 0 : decodeCursor(cursor) + 1;
    await this.get(datasetId);
    const rows = await selectRecords(await this.#database(), datasetId, from, limit + 1);
    return toPage(rows, limit, ({ position }) => position);
  }

  /** Records from position `from` on, at most `limit`, in their order. */
  async recordsFrom<Data extends JsonObject>(
    datasetId: string,
    from: number,
    limit: number,
  ): Promise<DatasetRecord<Data>[]> {
    return selectRecords<Data>(await this.#database(), datasetId, from, limit);
  }

  /** All records in their order, fetched as they are asked for. */
  async *allRecords<Data extends JsonObject>(
    datasetId: string,
    from = 0,
  ): AsyncIterable<DatasetRecord<Data>> {
    for (let next = from; ; ) {
      const records = await this.recordsFrom<Data>(datasetId, next, PAGE_RECORDS);
      yield* records;
      const last = records.at(-1);
      if (last === undefined) return;
      next = last.position + 1;
    }
  }

  /**
   * Deletes the dataset, its records and what else refers to it.
   * @throws ApiError `not_found`; `conflict` while it is being stored
   */
  async delete(datasetId: string): Promise<void> {
    const { status } = await this.get(datasetId);
    if (status === "processing")
      throw new ApiError("conflict", `${datasetId} is being stored; delete it when that is done.`);
    if (!(await deleteDataset(await this.#database(), datasetId))) throw noSuchDataset(datasetId);
    for (const listener of this.#listeners) listener.deleted?.(datasetId);
  }

  async #ingest(
    datasetId: string,
    type: DatasetType,
    source: RecordSource,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      await new Ingestion(() => this.#database(), datasetId, type).run(source, signal);
    } catch (error) {
      await this.#database()
        .then((database) => deleteDataset(database, datasetId))
        .catch(() => {
          // The store is gone: its next user marks the dataset as failed.
          this.#cleaning = undefined;
        });
      throw error;
    }
  }

  /** The database, once what an earlier process left unfinished is marked so. */
  async #database(): Promise<Database> {
    const database = await this.#store.database();
    this.#cleaning ??= this.#failAbandoned(database);
    await this.#cleaning;
    return database;
  }

  async #failAbandoned(database: Database): Promise<number> {
    // The embedded database has one owner, so no other process is storing anything.
    const idleSeconds = this.#store.status.kind === "pglite" ? 0 : ABANDONED_AFTER_SECONDS;
    try {
      return await failAbandoned(database, [...this.#ingesting], idleSeconds);
    } catch (error) {
      this.#cleaning = undefined;
      throw error;
    }
  }
}

function noSuchDataset(datasetId: string): ApiError {
  return new ApiError("not_found", `There is no dataset ${datasetId}.`, { param: "dataset_id" });
}
