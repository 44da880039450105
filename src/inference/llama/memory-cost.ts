import type { KvLayout } from "../kv-layout.ts";
import type { Llama } from "./bindings.ts";
import { type KvCacheType, kvCacheTypes } from "./context-options.ts";
import { LlamaError } from "./errors.ts";
import type { LlamaModel } from "./model.ts";

/** What a context's memory takes. */
export interface MemoryCost {
  /** Of keys and values, in all layers that keep them. */
  readonly bytesPerToken: number;
  /** Of the states that recurrent layers keep, whatever the sequence's length. */
  readonly bytesPerSequence: number;
}

/** Bytes that a trial context should take at most; its numbers are rounded to a hundredth of a mebibyte. */
const TRIAL_BYTES = 16 * 2 ** 20;
/** llama.cpp allots whole steps of this many tokens. */
const STEP_TOKENS = 256;
const MOST_TRIAL_TOKENS = 32 * STEP_TOKENS;
const MEBIBYTE = 2 ** 20;

/**
 * Measures what llama.cpp allots for one sequence, in two lengths: which layers keep keys and values, in which width,
 * and which a state, differs from one architecture to the next, and llama.cpp knows it of each.
 * @throws LlamaError `unsupported_architecture` for a model without memory, which can't generate; `load_failed`
 */
export function measureMemory(
  llama: Llama,
  model: LlamaModel,
  options: { readonly type: KvCacheType; readonly layout: KvLayout },
): MemoryCost {
  assertFormatFits(model, options.type);
  const most = model.layers * model.hiddenSize * 2 * kvCacheTypes[options.type].bytesPerElement;
  const steps = Math.max(1, Math.floor(TRIAL_BYTES / most / STEP_TOKENS));
  const tokens = Math.min(MOST_TRIAL_TOKENS, steps * STEP_TOKENS);
  const short = allotted(llama, model, options, tokens);
  const long = allotted(llama, model, options, 2 * tokens);
  const bytesPerToken = simplest(
    (long.bytes - short.bytes) / tokens,
    (long.uncertainty + short.uncertainty) / tokens,
  );
  const bytesPerSequence = simplest(short.bytes - bytesPerToken * tokens, short.uncertainty);
  return { bytesPerToken, bytesPerSequence };
}

interface Allotment {
  readonly bytes: number;
  readonly uncertainty: number;
}

/** Reads the sizes of the buffers of a context's memory from what llama.cpp says when it makes them. */
function allotted(
  llama: Llama,
  model: LlamaModel,
  { type, layout }: { readonly type: KvCacheType; readonly layout: KvLayout },
  tokens: number,
): Allotment {
  const lines: string[] = [];
  const errors: string[] = [];
  const { ggmlType } = kvCacheTypes[type];
  const context = llama.withLog(
    ({ level, text }) => (level === "error" ? errors : lines).push(text),
    () =>
      llama.llama_init_from_model(model.handle, {
        ...llama.llama_context_default_params(),
        n_ctx: tokens,
        n_seq_max: 1,
        n_batch: 1,
        n_ubatch: 1,
        n_outputs_max: 1,
        n_threads: 1,
        n_threads_batch: 1,
        type_k: ggmlType,
        type_v: ggmlType,
        kv_unified: layout === "shared",
      }),
  );
  if (context === null) {
    throw new LlamaError(
      "load_failed",
      `llama.cpp can't make a context for ${model.path}: ${errors.join("; ") || "it gave no reason"}.`,
    );
  }
  const hasMemory = llama.llama_get_memory(context) !== null;
  llama.llama_free(context);
  if (!hasMemory) throw model.notGenerative();
  const sizes = lines.flatMap((line) => {
    const size = /(?:KV|RS|state) buffer size = +([\d.]+) MiB/.exec(line)?.[1];
    return size === undefined ? [] : [Number(size)];
  });
  if (sizes.length === 0) throw new Error(`llama.cpp said nothing of the memory of ${model.architecture}`);
  return {
    bytes: sizes.reduce((sum, size) => sum + size, 0) * MEBIBYTE,
    uncertainty: sizes.length * 0.005 * MEBIBYTE,
  };
}

/**
 * The roundest whole number within the uncertainty: the one that a power of two as large as possible divides. Sizes of
 * tensors are such numbers.
 */
export function simplest(value: number, uncertainty: number): number {
  if (value - uncertainty <= 0) return 0;
  for (let step = 2 ** 40; step > 1; step /= 2) {
    const near = Math.round(value / step) * step;
    if (near > 0 && Math.abs(near - value) <= uncertainty) return near;
  }
  return Math.round(value);
}

/** Quantized formats have blocks that no row of a head may cut. */
function assertFormatFits(model: LlamaModel, type: KvCacheType): void {
  const { block } = kvCacheTypes[type];
  const { key, value } = model.headWidths;
  if (model.heads === 0 || (key % block === 0 && value % block === 0)) return;
  throw new LlamaError(
    "load_failed",
    `KV_CACHE_TYPE=${type} needs attention heads of a multiple of ${block} elements; this model's have ${key}. ` +
      "Set KV_CACHE_TYPE=f16.",
  );
}
