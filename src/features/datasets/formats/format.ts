import { createReadStream } from "node:fs";
import { ApiError } from "../../../errors.ts";
import type { DatasetType } from "../dataset.ts";
import { readCsv } from "./csv.ts";
import { readDocument } from "./document.ts";
import { readJson } from "./json.ts";
import { readJsonl } from "./jsonl.ts";
import { readPdf } from "./pdf.ts";
import type { Bytes, RawRecord } from "./raw-record.ts";

/** A file that was uploaded, where it lies now. */
export interface UploadedFile {
  readonly path: string;
  /** As the client calls it. It names things and never a path. */
  readonly name: string;
  readonly bytes: number;
}

export interface RecordSource {
  readonly records: AsyncIterable<RawRecord>;
  /** How much of it has been read, 0 to 1. */
  progress(): number;
}

/** Formats that hold one document and not a list of records. */
const documents = new Set([".txt", ".md", ".pdf"]);

/**
 * The records of a file, by its name's ending.
 * @throws ApiError `unsupported_media_type` for an ending that is none of ours, or not of this type of dataset
 */
export function readFile(file: UploadedFile, type: DatasetType, signal: AbortSignal): RecordSource {
  const name = baseName(file.name);
  const extension = /\.[a-z]+$/.exec(name.toLowerCase())?.[0] ?? "";
  if (type === "eval_set" && documents.has(extension))
    throw new ApiError("unsupported_media_type", "An eval_set is uploaded as .jsonl, .json or .csv.", {
      param: "file",
    });
  let read = 0;
  async function* bytes(): Bytes {
    for await (const chunk of createReadStream(file.path)) {
      read += (chunk as Buffer).length;
      yield chunk as Buffer;
    }
  }
  return {
    records: readerOf({ extension, path: file.path, name, type, signal })(bytes),
    progress: () => (file.bytes === 0 ? 1 : read / file.bytes),
  };
}

interface FileToRead {
  readonly extension: string;
  readonly path: string;
  readonly name: string;
  readonly type: DatasetType;
  readonly signal: AbortSignal;
}

function readerOf({
  extension,
  path,
  name,
  type,
  signal,
}: FileToRead): (bytes: () => Bytes) => AsyncIterable<RawRecord> {
  switch (extension) {
    case ".jsonl":
      return (bytes) => readJsonl(bytes());
    case ".json":
      return (bytes) => readJson(bytes());
    case ".csv":
      return (bytes) => readCsv(bytes(), type);
    case ".txt":
    case ".md":
      return (bytes) => readDocument(bytes(), name);
    case ".pdf":
      return () => readPdf(path, name, signal);
    default:
      throw new ApiError(
        "unsupported_media_type",
        "The file's name must end in .jsonl, .json, .csv, .txt, .md or .pdf.",
        { param: "file" },
      );
  }
}

/** The last part of a name that may be a path of any system, short and without control characters. */
function baseName(name: string): string {
  const last = name.toWellFormed().split(/[/\\]/).at(-1) ?? "";
  return last.replaceAll(/\p{Cc}/gu, "").slice(-200) || "file";
}

/** Records that came in a request's body. */
export function recordsOf(values: readonly unknown[]): RecordSource {
  let read = 0;
  async function* records(): AsyncIterable<RawRecord> {
    for (const value of values) {
      read++;
      yield { type: "value", value };
    }
  }
  return { records: records(), progress: () => read / values.length };
}
