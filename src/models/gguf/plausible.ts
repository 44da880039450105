import { ModelError } from "../errors.ts";
import type { GgufFile } from "./reader.ts";
import type { MetadataValue } from "./types.ts";

interface Range {
  readonly min: number;
  readonly max: number;
  /** Fractions are taken. */
  readonly isReal?: boolean;
}

/**
 * What llama.cpp computes with before it looks: by the key behind the architecture's name. The highest are its own
 * (`LLAMA_MAX_LAYERS`, `LLAMA_MAX_EXPERTS`) or far above any model.
 */
const ranges: Readonly<Record<string, Range>> = {
  block_count: { min: 1, max: 512 },
  context_length: { min: 1, max: 2 ** 31 - 1 },
  embedding_length: { min: 1, max: 2 ** 20 },
  feed_forward_length: { min: 0, max: 2 ** 24 },
  expert_count: { min: 0, max: 512 },
  expert_used_count: { min: 0, max: 512 },
  vocab_size: { min: 1, max: 2 ** 24 },
  // Layers without attention have none.
  "attention.head_count": { min: 0, max: 2 ** 16 },
  "attention.head_count_kv": { min: 0, max: 2 ** 16 },
  "attention.key_length": { min: 0, max: 2 ** 16 },
  "attention.value_length": { min: 0, max: 2 ** 16 },
  "attention.layer_norm_epsilon": { min: 0, max: 1, isReal: true },
  "attention.layer_norm_rms_epsilon": { min: 0, max: 1, isReal: true },
  "rope.dimension_count": { min: 0, max: 2 ** 16 },
  "rope.freq_base": { min: 0, max: 2 ** 63, isReal: true },
};

/** Of a token with a meaning of its own; real ones have dozens. Each is looked for in every text that is rendered. */
const MAX_SPECIAL_CHARACTERS = 1024;
/** `enum llama_token_type`: unknown, control and user-defined tokens. */
const SPECIAL_TYPES: ReadonlySet<unknown> = new Set([2, 3, 4]);

/** @throws ModelError `invalid_gguf` for metadata that would crash llama.cpp, or make its numbers nonsense */
export function assertPlausible({ path, metadata }: GgufFile): void {
  const architecture = metadata.get("general.architecture");
  if (architecture?.type !== "string") return;
  for (const [name, range] of Object.entries(ranges)) {
    const key = `${String(architecture.value)}.${name}`;
    const entry = metadata.get(key);
    if (entry === undefined) continue;
    const outside = valuesOf(entry).find((value) => !isWithin(value, range));
    if (outside !== undefined)
      throw new ModelError(
        "invalid_gguf",
        `${path}: ${key} is ${String(outside)}; ${range.isReal === true ? "a number" : "a whole number"} from ${range.min} to ${range.max} is expected`,
      );
  }
  assertPlausibleTokens({ path, metadata });
}

function assertPlausibleTokens({ path, metadata }: Pick<GgufFile, "path" | "metadata">): void {
  const types = valuesOf(metadata.get("tokenizer.ggml.token_type"));
  // llama.cpp writes at the byte that such a token names, whatever that is (ggml-org/llama.cpp#25969).
  const namesBytes = metadata.get("tokenizer.ggml.model")?.value === "plamo2";
  for (const [token, text] of valuesOf(metadata.get("tokenizer.ggml.tokens")).entries()) {
    if (namesBytes && /^<0x/.test(String(text)) && !/^<0x[0-9A-F]{2}>$/i.test(String(text)))
      throw new ModelError(
        "invalid_gguf",
        `${path}: token ${token} names no byte: ${String(text).slice(0, 20)}`,
      );
    if (String(text).length > MAX_SPECIAL_CHARACTERS && SPECIAL_TYPES.has(types[token]))
      throw new ModelError(
        "invalid_gguf",
        `${path}: the special token ${token} has ${String(text).length} characters; at most ${MAX_SPECIAL_CHARACTERS} are expected`,
      );
  }
}

function valuesOf(entry: MetadataValue | undefined): readonly unknown[] {
  if (entry === undefined) return [];
  return entry.type === "array" ? entry.value : [entry.value];
}

function isWithin(value: unknown, { min, max, isReal = false }: Range): boolean {
  const number = typeof value === "bigint" ? Number(value) : value;
  return typeof number === "number" && (isReal || Number.isInteger(number)) && number >= min && number <= max;
}
