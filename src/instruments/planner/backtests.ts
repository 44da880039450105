import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Backtest } from "./backtest.ts";

/** How far off the planner was for the requests of an hour. */
export interface KeptBacktest extends Backtest {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly model: string;
}

/** A month of them. */
const KEPT = 720;

/** The planner's errors hour by hour, in a file that outlives the server. */
export class Backtests {
  readonly #path: string;
  #all: readonly KeptBacktest[] | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Oldest first. */
  all(model: string): readonly KeptBacktest[] {
    this.#all ??= read(this.#path);
    return this.#all.filter((each) => each.model === model);
  }

  add(backtest: KeptBacktest): void {
    this.#all ??= read(this.#path);
    const isFull = this.#all.length >= 2 * KEPT;
    this.#all = [...this.#all.slice(isFull ? -KEPT : 0), backtest];
    mkdirSync(dirname(this.#path), { recursive: true });
    if (isFull) writeFileSync(this.#path, this.#all.map(lineOf).join(""));
    else appendFileSync(this.#path, lineOf(backtest));
  }
}

function lineOf(backtest: KeptBacktest): string {
  return `${JSON.stringify(backtest)}\n`;
}

/** What a power cut left of a last line is not one. */
function read(path: string): readonly KeptBacktest[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  return text
    .split("\n")
    .filter((line) => line.endsWith("}"))
    .map((line) => JSON.parse(line) as KeptBacktest);
}
