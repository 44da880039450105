import type { MetadataBuilder } from "../../gguf/metadata.ts";
import type { ModelConfig } from "./model-config.ts";

/** How a stored tensor becomes the one the engine expects. */
export type Layout =
  /** As it is. */
  | { readonly kind: "same" }
  /** As it is, in fewer dimensions: those of length 1 are left out. */
  | { readonly kind: "without-ones" }
  /** GPT-2's Conv1D keeps [in, out]; the engine multiplies [out, in]. */
  | { readonly kind: "transposed" }
  /** A vector, each number plus 1: Gemma stores the weights of its norms so. */
  | { readonly kind: "plus-one" }
  /**
   * Rows of each head reordered from halves (rotary pairs i and i + d/2, Hugging Face's `rotate_half`) to
   * neighbours (2i and 2i + 1), which is how llama.cpp's `llama` architecture rotates.
   */
  | { readonly kind: "rotary-neighbours"; readonly headRows: number };

/** One tensor of the GGUF file and where it comes from. */
export interface TensorRule {
  readonly name: string;
  /** One stored tensor, or one for each row of the slowest dimension: experts are stored apart and computed as one. */
  readonly sources: readonly string[];
  /** Slowest first, as the stored tensor has it. */
  readonly shape: readonly number[];
  readonly layout: Layout;
  readonly optional: boolean;
}

/** A small tensor computed from the configuration. */
export interface ComputedTensor {
  readonly name: string;
  readonly values: Float32Array;
}

/** What conversion must know of a model family: its hyperparameters and its tensors, both from config.json alone. */
export interface Architecture {
  /** `general.architecture`. */
  readonly name: string;
  /** Writes the hyperparameters; throws `unsupported_architecture` for what the engine would compute differently. */
  describe(config: ModelConfig, metadata: MetadataBuilder): void;
  /** Every tensor of the finished file, in the order it is written. */
  rules(config: ModelConfig): readonly TensorRule[];
  computed(config: ModelConfig): readonly ComputedTensor[];
  /** Whether a stored tensor that no rule names may be left out: buffers, tied copies. */
  ignores(source: string): boolean;
  /** The token-embedding tensor's rows. */
  vocabularySize(config: ModelConfig): number;
}

export function rule(
  name: string,
  source: string | readonly string[],
  shape: readonly number[],
  options: { readonly layout?: Layout; readonly optional?: boolean } = {},
): TensorRule {
  return {
    name,
    sources: [source].flat(),
    shape,
    layout: options.layout ?? { kind: "same" },
    optional: options.optional ?? false,
  };
}
