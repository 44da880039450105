import { ApiError } from "../errors.ts";
import type { Embedder } from "../inference/embedder.ts";

/** The names that requests may give the embedding model: its own, the configuration's, and aliases of either. */
export class EmbeddingModelNames {
  readonly #embedder: Embedder;
  readonly #aliases: ReadonlyMap<string, string>;
  readonly #requested: string | undefined;

  /** `requested` is how the configuration names the model. */
  constructor(embedder: Embedder, aliases: ReadonlyMap<string, string>, requested: string | undefined) {
    this.#embedder = embedder;
    this.#aliases = aliases;
    this.#requested = requested;
  }

  /** Every name, the model's own first. */
  get all(): readonly string[] {
    const own = this.#own;
    const aliases = [...this.#aliases].filter(([, target]) => own.includes(target)).map(([name]) => name);
    return [...new Set([...own, ...aliases])];
  }

  /** Whether this is the model's name, and no alias. */
  isOwn(name: string): boolean {
    return this.#own.includes(name);
  }

  get #own(): readonly string[] {
    return [this.#embedder.model, ...(this.#requested === undefined ? [] : [this.#requested])];
  }

  /** @throws ApiError `not_found`, as OpenAI's API answers an unknown model */
  check(name: string): void {
    if (this.all.includes(name)) return;
    throw new ApiError("not_found", `The embedding model ${JSON.stringify(name)} is not served here.`, {
      param: "model",
      details: { available: this.all },
    });
  }
}
