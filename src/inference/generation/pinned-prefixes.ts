import { createHash } from "node:crypto";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { PrefixCache } from "../kv-cache/prefix-cache.ts";
import type { LlamaContext } from "../llama/context.ts";

/** Computes a prefix through the scheduler and calls back with the KV sequence that holds it. */
export type ComputePrefix = (tokens: Int32Array, onPinned: (kvSequence: number) => void) => void;

/**
 * Puts configured prefixes permanently into the cache, from a file of an earlier start where there is one. A file is
 * named by everything that its content depends on: the model's identity, the cache's layout and the tokens.
 */
export class PinnedPrefixes {
  readonly #context: LlamaContext;
  readonly #cache: PrefixCache;
  readonly #directory: string;
  readonly #identity: string;
  readonly #compute: ComputePrefix;

  /** `identity` names the model, and all that the form of its keys and values depends on. */
  constructor(
    context: LlamaContext,
    cache: PrefixCache,
    options: { readonly directory: string; readonly identity: string; readonly compute: ComputePrefix },
  ) {
    this.#context = context;
    this.#cache = cache;
    this.#directory = options.directory;
    this.#identity = options.identity;
    this.#compute = options.compute;
  }

  /** Pins `tokens`, now from disk or soon by computing them. Returns what was done, for the log. */
  pin(tokens: Int32Array): string {
    if (!this.#cache.canPin)
      return `prefix of ${tokens.length} tokens not pinned: half of the sequences are pinned already`;
    mkdirSync(this.#directory, { recursive: true });
    const key = createHash("sha256").update(this.#identity).update(tokens).digest("hex");
    const path = join(this.#directory, `${key}.kv`);
    const restore = (sequence: number) => this.#context.restoreSequence(sequence, tokens, path);
    if (existsSync(path) && this.#cache.pinRestored(tokens, restore)) {
      return `prefix of ${tokens.length} tokens restored from ${path}`;
    }
    this.#compute(tokens, (sequence) => this.#save(sequence, tokens, path));
    return `prefix of ${tokens.length} tokens is being computed`;
  }

  /** Written beside and then moved into place: a crash leaves no half file under the name. */
  #save(sequence: number, tokens: Int32Array, path: string): void {
    const partial = `${path}.${process.pid}.partial`;
    if (this.#context.saveSequence(sequence, tokens, partial)) renameSync(partial, path);
    else rmSync(partial, { force: true });
  }
}
