import { UnavailableError } from "../../../errors.ts";
import type { FieldsLog } from "../../../platform/log.ts";
import type { Store } from "../../../platform/store/database.ts";
import { MemoryResponseStore } from "./memory-store.ts";
import { deleteResponse, findItem, findResponse, insertResponse } from "./response-table.ts";
import type { ResponseStore, StoredResponse } from "./store.ts";

const MEMORY = { responses: 1000, characters: 64 * 2 ** 20 };

export interface KeptResponsesOptions {
  readonly store: Store;
  /** Days that an unused response is kept; 0 keeps responses in memory only. */
  readonly retentionDays: number;
  readonly log: Pick<FieldsLog, "warn">;
}

/**
 * Responses in the store, the latest ones in memory too. A store that fails costs what outlives the process, and no
 * answer: the response is then in memory only, and the log says so.
 */
export class KeptResponses implements ResponseStore {
  readonly #options: KeptResponsesOptions;
  readonly #memory = new MemoryResponseStore(MEMORY);

  constructor(options: KeptResponsesOptions) {
    this.#options = options;
  }

  async get(id: string): Promise<StoredResponse | undefined> {
    const recent = await this.#memory.get(id);
    if (recent !== undefined || !this.#isStored) return recent;
    return findResponse(await this.#options.store.database(), id);
  }

  async item(id: string): Promise<object | undefined> {
    const recent = await this.#memory.item(id);
    if (recent !== undefined || !this.#isStored) return recent;
    return findItem(await this.#options.store.database(), id);
  }

  async put(stored: StoredResponse): Promise<void> {
    await this.#memory.put(stored);
    const { store, retentionDays, log } = this.#options;
    if (retentionDays === 0) return;
    try {
      const database = await store.database();
      await database.transaction((queries) => insertResponse(queries, stored));
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error;
      log.warn({ err: error }, `response ${stored.response.id} is kept in memory only`);
    }
  }

  async delete(id: string): Promise<boolean> {
    const wasRecent = await this.#memory.delete(id);
    const wasStored = this.#isStored && (await deleteResponse(await this.#options.store.database(), id));
    return wasRecent || wasStored;
  }

  /** Whether the store may hold any: it is not opened to find nothing. */
  get #isStored(): boolean {
    return this.#options.retentionDays > 0 && this.#options.store.hasData;
  }
}
