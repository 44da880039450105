import { createHash } from "node:crypto";
import { ApiError } from "../../errors.ts";
import type { Cache } from "../../platform/cache/cache.ts";
import type { Embedder, Embeddings, EmbedOptions } from "../embedder.ts";
import { EmbedderDecorator } from "./embedder-decorator.ts";

/** Before the vector: its length before it was scaled (float32), and the text's tokens (uint32). */
const HEADER_BYTES = 8;

interface Entry {
  readonly vector: Float32Array;
  readonly length: number;
  readonly tokens: number;
}

/** Computes each text once: vectors are kept by what the text is, what it is for, and which model embeds it. */
export class CachedEmbedder extends EmbedderDecorator {
  readonly #cache: Cache;

  constructor(inner: Embedder, cache: Cache) {
    super(inner);
    this.#cache = cache;
  }

  async embed(texts: readonly string[], options: EmbedOptions = {}): Promise<Embeddings> {
    const keys = texts.map((text) => this.#key(text, options.purpose));
    const entries = new Map<string, Entry>();
    await Promise.all(
      [...new Set(keys)].map(async (key) => {
        const entry = this.#read(await this.#cache.get(key));
        if (entry !== undefined) entries.set(key, entry);
      }),
    );
    await this.#compute(texts, keys, entries, options);
    const found = keys.map((key) => entries.get(key) as Entry);
    return {
      vectors: found.map(({ vector }) => vector),
      lengths: found.map(({ length }) => length),
      tokens: found.map(({ tokens }) => tokens),
    };
  }

  /** Adds what is missing in `entries`, and keeps it. */
  async #compute(
    texts: readonly string[],
    keys: readonly string[],
    entries: Map<string, Entry>,
    options: EmbedOptions,
  ): Promise<void> {
    const places = new Map<string, number>();
    for (const [index, key] of keys.entries()) if (!places.has(key)) places.set(key, index);
    const missing = [...places].filter(([key]) => !entries.has(key));
    const indexes = missing.map(([, index]) => index);
    const { vectors, lengths, tokens } = await this.inner
      .embed(
        indexes.map((index) => texts[index] as string),
        options,
      )
      .catch((error: unknown) => {
        throw atIndexOf(error, indexes);
      });
    for (const [row, [key]] of missing.entries()) {
      const entry = {
        vector: vectors[row] as Float32Array,
        length: lengths[row] as number,
        tokens: tokens[row] as number,
      };
      entries.set(key, entry);
      void this.#cache.set(key, toBytes(entry));
    }
  }

  #key(text: string, purpose: EmbedOptions["purpose"]): string {
    return createHash("sha256")
      .update(`${this.id}\0${purpose ?? ""}\0${text}`)
      .digest("base64url");
  }

  /** Undefined too where a value is of another size than this model's, which means that the entry is corrupt. */
  #read(bytes: Uint8Array | undefined): Entry | undefined {
    if (bytes?.byteLength !== HEADER_BYTES + this.dimensions * 4) return undefined;
    const { buffer } = Uint8Array.from(bytes);
    const header = new DataView(buffer);
    return {
      length: header.getFloat32(0, true),
      tokens: header.getUint32(4, true),
      vector: new Float32Array(buffer, HEADER_BYTES),
    };
  }
}

/** An error about the n-th text that was computed, as one about the text's place among all. */
function atIndexOf(error: unknown, indexes: readonly number[]): unknown {
  if (!(error instanceof ApiError) || typeof error.details?.["index"] !== "number") return error;
  const index = indexes[error.details["index"]];
  return new ApiError(error.code, error.message, { details: { ...error.details, index }, cause: error });
}

function toBytes({ vector, length, tokens }: Entry): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + vector.byteLength);
  const header = new DataView(bytes.buffer);
  header.setFloat32(0, length, true);
  header.setUint32(4, tokens, true);
  bytes.set(new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength), HEADER_BYTES);
  return bytes;
}
