import type { RecordErrorCode } from "../dataset.ts";

/** What is wrong with one record; its upload continues without it. */
export class RecordProblem extends Error {
  override readonly name = "RecordProblem";
  readonly code: RecordErrorCode;
  /** JSON pointer into the record. */
  readonly path: string;
  constructor(code: RecordErrorCode, path: string, message: string) {
    super(message);
    this.code = code;
    this.path = path;
  }
}
