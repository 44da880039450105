import type { ResponseStore, StoredResponse } from "./store.ts";

export interface MemoryLimits {
  readonly responses: number;
  /** Characters of all of them, as JSON. */
  readonly characters: number;
}

/** Keeps the latest responses in memory, for as long as the server runs; the longest untouched ones go first. */
export class MemoryResponseStore implements ResponseStore {
  readonly #limits: MemoryLimits;
  readonly #responses = new Map<string, { readonly stored: StoredResponse; readonly size: number }>();
  #size = 0;

  constructor(limits: MemoryLimits) {
    this.#limits = limits;
  }

  async get(id: string): Promise<StoredResponse | undefined> {
    const entry = this.#responses.get(id);
    if (entry === undefined) return undefined;
    this.#responses.delete(id);
    this.#responses.set(id, entry);
    return entry.stored;
  }

  async item(id: string): Promise<object | undefined> {
    for (const { stored } of this.#responses.values()) {
      const found = stored.response.output.find((item) => (item as { id?: unknown }).id === id);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  async put(stored: StoredResponse): Promise<void> {
    const { id } = stored.response;
    const size = JSON.stringify(stored).length;
    await this.delete(id);
    this.#responses.set(id, { stored, size });
    this.#size += size;
    for (const [oldest] of this.#responses) {
      if (this.#responses.size <= this.#limits.responses && this.#size <= this.#limits.characters) break;
      await this.delete(oldest);
    }
  }

  async delete(id: string): Promise<boolean> {
    const entry = this.#responses.get(id);
    if (entry === undefined) return false;
    this.#size -= entry.size;
    return this.#responses.delete(id);
  }
}
