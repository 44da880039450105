import { appendFileSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "pino";
import { timeOfUuidV7 } from "../../platform/uuid.ts";
import type { LedgerRow } from "./row.ts";

/** What of a request's text is kept. */
export type ContentPolicy = "off" | "prompts" | "all";

/** Text of one generation, as the model read and wrote it. */
export interface GenerationContent {
  readonly prompt: string;
  /** Null where only prompts are kept. */
  readonly answer: string | null;
}

export interface ContentsOptions {
  readonly directory: string;
  readonly policy: ContentPolicy;
  /** Days that text is kept for. */
  readonly days: number;
  readonly log: Pick<Logger, "error">;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

const DAY_MS = 86_400_000;
const fileName = /^content-(\d{4})(\d\d)(\d\d)\.jsonl$/;

/**
 * Prompts and answers, where `LEDGER_CONTENT` asks for them: apart from the ledger, in a file for each day, which goes
 * whole when its time is over. Only this server's user can read them.
 */
export class Contents {
  readonly #options: ContentsOptions;
  readonly #now: () => number;
  #prunedDay: number | undefined;
  #hasFailed = false;

  constructor(options: ContentsOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#guarded(() => this.#prune());
  }

  record(
    { id, at }: LedgerRow,
    _trace: unknown,
    { texts }: { readonly texts: readonly GenerationContent[] },
  ): void {
    const { policy, directory } = this.#options;
    if (policy === "off" || texts.length === 0) return;
    this.#guarded(() => {
      this.#prune();
      mkdirSync(directory, { recursive: true });
      const line = `${JSON.stringify({ id, content: texts })}\n`;
      appendFileSync(this.#path(at), line, { mode: 0o600 });
    });
  }

  /** By the ledger's id; undefined where nothing is kept of it. Read line by line: a day's text may be larger than memory. */
  async find(id: string): Promise<readonly GenerationContent[] | undefined> {
    const at = timeOfUuidV7(id);
    if (at === undefined || this.#options.policy === "off") return undefined;
    const beginning = `{"id":"${id}"`;
    for await (const line of linesOf(this.#path(at)))
      if (line.startsWith(beginning))
        return (JSON.parse(line) as { content: readonly GenerationContent[] }).content;
    return undefined;
  }

  /** Removes the files of days that are over, once a day. */
  #prune(): void {
    const { directory, days } = this.#options;
    const oldest = Math.floor(this.#now() / DAY_MS) - days;
    if (this.#prunedDay === oldest) return;
    this.#prunedDay = oldest;
    for (const name of this.#files()) {
      const [, year, month, day] = fileName.exec(name) ?? [];
      if (Date.parse(`${year}-${month}-${day}T00:00Z`) / DAY_MS < oldest) rmSync(join(directory, name));
    }
  }

  #files(): readonly string[] {
    try {
      return readdirSync(this.#options.directory).filter((name) => fileName.test(name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
  }

  #path(at: number): string {
    const day = new Date(at).toISOString().slice(0, 10).replaceAll("-", "");
    return join(this.#options.directory, `content-${day}.jsonl`);
  }

  /** Text that can't be kept must not fail an answer; it is reported once. */
  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!this.#hasFailed) this.#options.log.error({ err: error }, "prompts and answers can't be kept");
      this.#hasFailed = true;
    }
  }
}

/** Lines of a file; none where it is not there. */
async function* linesOf(path: string): AsyncGenerator<string> {
  const file = await open(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (file === undefined) return;
  try {
    yield* file.readLines();
  } finally {
    await file.close();
  }
}
