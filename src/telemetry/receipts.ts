import { type ContextReceipt, contextReceipt } from "./context-receipt.ts";
import type { LedgerRow } from "./ledger/row.ts";
import type { RequestAccount } from "./request-account.ts";

/** Requests whose receipts are kept in memory, and the most parts of all their prompts. */
export const KEPT_RECEIPTS = 2000;
const KEPT_PARTS = 200_000;

interface KeptReceipt {
  readonly requestId: string;
  readonly receipt: ContextReceipt;
  readonly parts: number;
}

/** The latest requests' receipts: what their prompts were made of, in counts and roles, never in text. */
export class Receipts {
  /** By the ledger's ids, oldest first. */
  readonly #kept = new Map<string, KeptReceipt>();
  #parts = 0;

  record({ id, requestId }: LedgerRow, _trace: unknown, account: RequestAccount): void {
    const receipt = contextReceipt(account);
    if (receipt === undefined) return;
    const parts = receipt.prompts.reduce((sum, prompt) => sum + prompt.parts.length, 0);
    this.#kept.set(id, { requestId, receipt, parts });
    this.#parts += parts;
    for (const [oldest, { parts: freed }] of this.#kept) {
      if (oldest === id || (this.#kept.size <= KEPT_RECEIPTS && this.#parts <= KEPT_PARTS)) return;
      this.#kept.delete(oldest);
      this.#parts -= freed;
    }
  }

  /** By the ledger's id, or by the request's, of which the latest is meant. */
  find(id: string): ContextReceipt | undefined {
    const known =
      this.#kept.get(id) ?? [...this.#kept.values()].findLast(({ requestId }) => requestId === id);
    return known?.receipt;
  }
}
