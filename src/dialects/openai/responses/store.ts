import type { ChatMessage } from "../../../assistant/template/message.ts";

/** A response that later ones may continue. */
export interface StoredResponse {
  readonly id: string;
  /** As it was answered. */
  readonly response: { readonly output?: readonly object[] };
  /** Its own input, as items. */
  readonly input: readonly object[];
  /** The conversation up to and with this response's output; without instructions, which are not carried on. */
  readonly messages: readonly ChatMessage[];
}

/** Where responses are kept between requests. */
export interface ResponseStore {
  get(id: string): Promise<StoredResponse | undefined>;
  /** An output item of a stored response, by the item's own id. */
  item(id: string): Promise<object | undefined>;
  put(response: StoredResponse): Promise<void>;
  /** True when there was one. */
  delete(id: string): Promise<boolean>;
}

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
      const found = stored.response.output?.find((item) => (item as { id?: unknown }).id === id);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  async put(stored: StoredResponse): Promise<void> {
    const size = JSON.stringify(stored).length;
    await this.delete(stored.id);
    this.#responses.set(stored.id, { stored, size });
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
