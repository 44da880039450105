import { AsyncLocalStorage } from "node:async_hooks";

/**
 * Finds queries that are made on the database while a transaction of the same caller runs: on one connection they
 * would wait for themselves for ever, on several they would be outside the transaction.
 */
export class TransactionGuard {
  readonly #current = new AsyncLocalStorage<{ isOpen: boolean }>();

  /** Runs `work` as the inside of a transaction. */
  async inside<T>(work: () => Promise<T>): Promise<T> {
    const transaction = { isOpen: true };
    try {
      return await this.#current.run(transaction, work);
    } finally {
      transaction.isOpen = false;
    }
  }

  /** @throws Error when the caller is inside a transaction, which is a defect */
  check(): void {
    if (this.#current.getStore()?.isOpen === true)
      throw new Error("Inside a transaction use the queries that it hands you, not the database.");
  }
}
