import { createHash } from "node:crypto";
import { InvalidRequestError } from "../../errors.ts";
import type { Database } from "../../platform/store/database.ts";
import { type DatasetType, MAX_LISTED_ERRORS, MAX_RECORDS, type RecordError } from "./dataset.ts";
import { appendRecords, type DatasetCounts, finishDataset, type NewRecord } from "./dataset-table.ts";
import type { RecordSource } from "./formats/format.ts";
import type { RawRecord } from "./formats/raw-record.ts";
import { RecordProblem } from "./records/problem.ts";
import { type CheckedRecord, checkRecord, nameOf } from "./records/record.ts";

/** A batch is stored when it has this many records or bytes: small enough that the store's other users barely wait. */
const BATCH_RECORDS = 500;
const BATCH_BYTES = 1024 * 1024;

/** One upload on its way into the store: checks each record, stores the good ones in batches, keeps count of the bad. */
export class Ingestion {
  readonly #database: () => Promise<Database>;
  readonly #datasetId: string;
  readonly #type: DatasetType;
  readonly #ids = new Set<string>();
  readonly #hash = createHash("sha256");
  readonly #errors: RecordError[] = [];
  #batch: NewRecord[] = [];
  #batchBytes = 0;
  #seen = 0;
  #rejected = 0;

  constructor(database: () => Promise<Database>, datasetId: string, type: DatasetType) {
    this.#database = database;
    this.#datasetId = datasetId;
    this.#type = type;
  }

  /** @throws InvalidRequestError when no record is good, or there are too many */
  async run(source: RecordSource, signal: AbortSignal): Promise<void> {
    for await (const raw of source.records) {
      signal.throwIfAborted();
      const index = this.#seen++;
      if (this.#seen > MAX_RECORDS)
        throw new InvalidRequestError(`A dataset has at most ${MAX_RECORDS} records.`, { param: "records" });
      this.#take(raw, index);
      if (this.#batch.length === BATCH_RECORDS || this.#batchBytes >= BATCH_BYTES)
        await this.#store(source.progress());
    }
    if (this.#ids.size === 0) throw this.#nothingGood();
    if (this.#batch.length > 0) await this.#store(source.progress());
    signal.throwIfAborted();
    await finishDataset(await this.#database(), this.#datasetId, this.#counts(1), this.#hash.digest("hex"));
  }

  #take(raw: RawRecord, index: number): void {
    try {
      if (raw.type === "unreadable") throw new RecordProblem(raw.code, "", raw.message);
      this.#accept(checkRecord(this.#type, raw.value), index);
    } catch (error) {
      if (!(error instanceof RecordProblem)) throw error;
      this.#reject(error, raw, index);
    }
  }

  #accept({ recordId: named, json }: CheckedRecord, index: number): void {
    const recordId = named ?? this.#freeId(index);
    if (this.#ids.has(recordId))
      throw new RecordProblem("duplicate_record_id", "/record_id", "is the id of an earlier record");
    this.#batch.push({ position: this.#ids.size, recordId, json });
    this.#batchBytes += json.length;
    this.#ids.add(recordId);
    this.#hash.update(`${JSON.stringify(recordId)}:${json}\n`);
  }

  /** An id for a record without one, which a name that the upload gave must not cost it. */
  #freeId(index: number): string {
    let id = `rec_${index}`;
    while (this.#ids.has(id)) id += "_";
    return id;
  }

  #reject({ code, message, path }: RecordProblem, raw: RawRecord, index: number): void {
    this.#rejected++;
    if (this.#errors.length === MAX_LISTED_ERRORS) return;
    const recordId = raw.type === "value" ? nameOf(raw.value) : undefined;
    this.#errors.push({ index, recordId, code, message, path, line: raw.line });
  }

  async #store(progress: number): Promise<void> {
    const batch = this.#batch;
    this.#batch = [];
    this.#batchBytes = 0;
    await appendRecords(await this.#database(), this.#datasetId, batch, this.#counts(progress));
  }

  #counts(progress: number): DatasetCounts {
    return {
      recordCount: this.#ids.size,
      rejectedCount: this.#rejected,
      recordErrors: this.#errors,
      progress,
    };
  }

  #nothingGood(): InvalidRequestError {
    const [first] = this.#errors;
    if (first === undefined)
      return new InvalidRequestError("There are no records in it.", { param: "records" });
    const place = first.line === undefined ? `record ${first.index}` : `line ${first.line}`;
    const subject = first.path === "" ? place : `${place}, ${first.path}`;
    return new InvalidRequestError(
      `No record is good, ${this.#rejected} refused. The first: ${subject} ${first.message}`,
      {
        param: "records",
        details: { rejected_count: this.#rejected, record_errors: this.#errors.map(toWire) },
      },
    );
  }
}

/** A record error as clients see it. */
export function toWire({ index, recordId, code, message, path, line }: RecordError) {
  return {
    index,
    record_id: recordId ?? null,
    code,
    message,
    path,
    ...(line !== undefined && { line }),
    severity: "error" as const,
  };
}
