import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";

/** A stretch of a file and how much of it is on disk, counted from its start. */
export interface Part {
  readonly start: number;
  readonly end: number;
  bytesDone: number;
}

export const defaultPartBytes = 32 << 20;

/**
 * Which parts of a download are on disk, kept beside it: the next process resumes where this one stopped.
 * The record only ever claims bytes that were written before it.
 */
export class PartRecord {
  readonly parts: readonly Part[];
  readonly #path: string;

  private constructor(path: string, parts: readonly Part[]) {
    this.#path = path;
    this.parts = parts;
  }

  /** Takes up the record of an earlier try where it fits the file, else starts anew. */
  static open(path: string, dataPath: string, size: number, partBytes: number): PartRecord {
    const onDisk = statSync(dataPath, { throwIfNoEntry: false })?.size ?? 0;
    const parts = readParts(path);
    const fits =
      parts?.at(-1)?.end === size &&
      parts.every((part) => part.bytesDone === 0 || part.start + part.bytesDone <= onDisk);
    return new PartRecord(path, parts && fits ? parts : freshParts(size, partBytes));
  }

  get bytesDone(): number {
    return this.parts.reduce((sum, part) => sum + part.bytesDone, 0);
  }

  save(): void {
    writeFileSync(
      this.#path,
      JSON.stringify(this.parts.map(({ start, end, bytesDone }) => [start, end, bytesDone])),
    );
  }

  remove(): void {
    rmSync(this.#path, { force: true });
  }
}

function freshParts(size: number, partBytes: number): Part[] {
  const count = Math.max(1, Math.ceil(size / partBytes));
  return Array.from({ length: count }, (_, index) => ({
    start: index * partBytes,
    end: Math.min(size, (index + 1) * partBytes),
    bytesDone: 0,
  }));
}

/** Undefined unless the record is whole and its parts follow each other: a torn file means starting over. */
function readParts(path: string): Part[] | undefined {
  try {
    const rows: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (!Array.isArray(rows)) return undefined;
    const parts = rows.map((row: unknown): Part => {
      const [start, end, bytesDone] = Array.isArray(row) ? row : [];
      if (![start, end, bytesDone].every(Number.isSafeInteger)) throw new TypeError("not a part");
      return { start, end, bytesDone };
    });
    const isSound = parts.every(
      ({ start, end, bytesDone }, index) =>
        start === (parts[index - 1]?.end ?? 0) && bytesDone >= 0 && start + bytesDone <= end,
    );
    return isSound && parts.length > 0 ? parts : undefined;
  } catch {
    return undefined;
  }
}
