import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { LedgerRow } from "./row.ts";

/** Size at which a file is closed and another begun. */
const FILE_BYTES = 256 * 1024;

interface SpoolFile {
  readonly path: string;
  readonly descriptor: number;
  bytes: number;
  /** Rows of it that the store does not have yet. */
  rows: LedgerRow[];
}

/**
 * Append-only files of one row per line, which hold rows until the store has them. A row is written by one call before its
 * answer is whole, and survives the process however it ends; a machine that loses power may lose the last ones.
 */
export class Spool {
  readonly #directory: string;
  readonly #prefix = `spool-${process.pid}-${Date.now()}`;
  #files = 0;
  #current: SpoolFile | undefined;
  /** Closed files with rows that the store does not have. */
  #closed: string[] = [];

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Whether the store lacks rows that are here. */
  get hasRows(): boolean {
    return this.#closed.length > 0 || (this.#current?.rows.length ?? 0) > 0;
  }

  /** Takes over what earlier processes left, and forgets what is older than `oldestMs`, since 1970. */
  adopt(oldestMs: number): void {
    for (const name of filesIn(this.#directory)) {
      const path = join(this.#directory, name);
      if (statSync(path).mtimeMs < oldestMs) rmSync(path, { force: true });
      else if (!isWrittenElsewhere(name)) this.#closed.push(path);
    }
  }

  append(row: LedgerRow): void {
    const line = Buffer.from(`${JSON.stringify(row)}\n`);
    this.#current ??= this.#open();
    writeSync(this.#current.descriptor, line);
    this.#current.bytes += line.length;
    this.#current.rows.push(row);
    if (this.#current.bytes >= FILE_BYTES) this.#closeCurrent();
  }

  /** Hands every row that the store lacks to `store`, a file's at a time; those it has taken are not handed over again. */
  async drain(store: (rows: readonly LedgerRow[]) => Promise<void>): Promise<void> {
    for (let path = this.#closed[0]; path !== undefined; path = this.#closed[0]) {
      await store(readRows(path));
      rmSync(path, { force: true });
      this.#closed = this.#closed.filter((other) => other !== path);
    }
    const current = this.#current;
    if (current === undefined || current.rows.length === 0) return;
    const rows = [...current.rows];
    await store(rows);
    current.rows = current.rows.slice(rows.length);
    // Closed meanwhile, and every row of it stored: it need not be read again.
    if (current !== this.#current && current.rows.length === 0) this.#remove(current.path);
  }

  /** Nothing may be appended afterwards. */
  close(): void {
    this.#closeCurrent();
  }

  #open(): SpoolFile {
    mkdirSync(this.#directory, { recursive: true });
    const path = join(this.#directory, `${this.#prefix}-${this.#files++}.jsonl`);
    return { path, descriptor: openSync(path, "a", 0o600), bytes: 0, rows: [] };
  }

  #closeCurrent(): void {
    if (this.#current === undefined) return;
    const { path, descriptor, rows } = this.#current;
    this.#current = undefined;
    closeSync(descriptor);
    if (rows.length > 0) this.#closed.push(path);
    else rmSync(path, { force: true });
  }

  #remove(path: string): void {
    this.#closed = this.#closed.filter((other) => other !== path);
    rmSync(path, { force: true });
  }
}

function filesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory).filter((name) => /^spool-\d+-\d+-\d+\.jsonl$/.test(name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** Another server on the same directory still appends to it. */
function isWrittenElsewhere(name: string): boolean {
  const pid = Number(name.split("-")[1]);
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

/** A process that was killed while it wrote leaves half a line at the end, of an answer that did not get out. */
function readRows(path: string): LedgerRow[] {
  const text = readFileSync(path, "utf8");
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  return whole
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as LedgerRow);
}
