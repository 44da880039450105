import type { FlashAttentionChoice, FlashAttentionSetting } from "../flash-attention.ts";
import { LlamaError } from "../llama/errors.ts";

/**
 * Elements that ggml's dot products of f16 take at a time with AVX-512 (`GGML_F16_STEP`, ggml/src/ggml-cpu/simd-mappings.h,
 * release v0.4.0); the rest of a head is computed one by one, which flash attention does for every token of the context.
 */
const AVX512_ELEMENTS = 64;
/** Memory that the scores of attention may take where they are kept in the open, bytes. */
export const MOST_SCORE_BYTES = 256 * 2 ** 20;

export interface AttentionInputs {
  readonly setting: FlashAttentionSetting;
  /** Elements of a head's keys and values. */
  readonly headWidths: { readonly key: number; readonly value: number };
  readonly kvCacheType: string;
  readonly isOffloaded: boolean;
  readonly hasAvx512: boolean;
  /** Bytes of the scores that one decode computes: rows × tokens of the context × heads × 4. */
  readonly scoreBytes: number;
}

/** How attention is to be computed (docs/performance.md). @throws LlamaError where what was asked for can't be had */
export function chooseAttention(inputs: AttentionInputs): FlashAttentionChoice {
  const { setting, headWidths, kvCacheType } = inputs;
  const isQuantized = kvCacheType !== "f16";
  if (setting === "off" && isQuantized)
    throw new LlamaError(
      "load_failed",
      `FLASH_ATTENTION=off needs KV_CACHE_TYPE=f16: llama.cpp reads a cache of ${kvCacheType} in flash attention alone.`,
    );
  if (setting !== "auto") return { isOn: setting === "on", reason: "FLASH_ATTENTION says so" };
  const isSlow = [headWidths.key, headWidths.value].some((width) => width % AVX512_ELEMENTS !== 0);
  const obstacle = [
    { isThere: inputs.isOffloaded, reason: "it is faster on an accelerator" },
    { isThere: isQuantized, reason: `a cache of ${kvCacheType} needs it` },
    { isThere: !inputs.hasAvx512 || !isSlow, reason: "the processor computes whole heads at a time" },
    {
      isThere: inputs.scoreBytes > MOST_SCORE_BYTES,
      reason: "without it, scores would take too much memory",
    },
  ].find(({ isThere }) => isThere);
  return obstacle === undefined
    ? { isOn: false, reason: `heads of ${headWidths.key} are slow in it on a processor with AVX-512` }
    : { isOn: true, reason: obstacle.reason };
}

/** Bytes of the scores of a decode of `rows`, each of which may look at `tokens`. */
export function scoreBytes(rows: number, tokens: number, heads: number): number {
  return rows * tokens * heads * 4;
}
