import type { LedgerRow } from "../../telemetry/ledger/row.ts";
import type { KeptGeneration, RequestAccount } from "../../telemetry/request-account.ts";

/** Answers that are kept in memory, and the most tokens of them together. */
export const KEPT_ANSWERS = 500;
const KEPT_TOKENS = 1_000_000;

/** An answer that was asked for as reproducible, with everything that it came from. */
export interface KeptAnswer {
  readonly id: string;
  readonly requestId: string;
  readonly generations: readonly KeptGeneration[];
}

/** The latest reproducible answers. Nothing of them leaves the process's memory. */
export class KeptAnswers {
  /** By the ledger's ids, oldest first. */
  readonly #answers = new Map<string, KeptAnswer>();
  #tokens = 0;

  record({ id, requestId }: LedgerRow, _trace: unknown, account: RequestAccount): void {
    const generations = account.generations.flatMap(({ kept, end }) =>
      kept === undefined || end === undefined || end.finishReason === "cancelled" ? [] : [kept],
    );
    if (generations.length === 0) return;
    const added = { id, requestId, generations };
    this.#answers.set(id, added);
    this.#tokens += tokensOf(added);
    for (const [oldest, answer] of this.#answers) {
      if (oldest === id || (this.#answers.size <= KEPT_ANSWERS && this.#tokens <= KEPT_TOKENS)) return;
      this.#answers.delete(oldest);
      this.#tokens -= tokensOf(answer);
    }
  }

  /** The ledger's ids of all of them, oldest first. */
  get ids(): readonly string[] {
    return [...this.#answers.keys()];
  }

  /** By the ledger's id, or by the request's, of which the latest is meant. */
  find(id: string): KeptAnswer | undefined {
    return this.#answers.get(id) ?? [...this.#answers.values()].findLast(({ requestId }) => requestId === id);
  }
}

function tokensOf({ generations }: KeptAnswer): number {
  return generations.reduce((sum, { tokens }) => sum + tokens.length, 0);
}
