import type { MetadataBuilder } from "../../gguf/metadata.ts";
import type { JsonObject } from "../json.ts";
import { type ModelConfig, numberIn } from "./model-config.ts";

const defaultTheta = 10_000;

/** Rotary position settings: `rope_theta` and `rope_scaling`, or since transformers 5 both in `rope_parameters`. */
interface RopeSettings {
  readonly theta: number;
  readonly type: string;
  readonly scaling: JsonObject;
}

function ropeSettings(config: ModelConfig): RopeSettings {
  const scaling = config.object("rope_parameters") ?? config.object("rope_scaling") ?? {};
  const type = scaling["rope_type"] ?? scaling["type"] ?? "default";
  return {
    theta: numberIn(scaling, "rope_theta") ?? config.number("rope_theta", defaultTheta),
    type: typeof type === "string" ? type.toLowerCase() : "unknown",
    scaling,
  };
}

export function describeRope(
  config: ModelConfig,
  metadata: MetadataBuilder,
  prefix: string,
  headSize: number,
): void {
  const { theta, type, scaling } = ropeSettings(config);
  const partial = numberIn(scaling, "partial_rotary_factor") ?? config.number("partial_rotary_factor", 1);
  if (partial !== 1) config.unsupported("partial rotary embeddings");
  metadata.uint32(`${prefix}.rope.dimension_count`, headSize).float32(`${prefix}.rope.freq_base`, theta);
  switch (type) {
    case "default":
    case "none":
    case "llama3": // becomes the tensor rope_freqs
      return;
    case "linear":
      metadata
        .string(`${prefix}.rope.scaling.type`, "linear")
        .float32(`${prefix}.rope.scaling.factor`, required(config, scaling, "factor"));
      return;
    case "yarn": {
      const original =
        numberIn(scaling, "original_max_position_embeddings") ?? config.size("max_position_embeddings");
      metadata
        .string(`${prefix}.rope.scaling.type`, "yarn")
        .float32(`${prefix}.rope.scaling.factor`, required(config, scaling, "factor"))
        .uint32(`${prefix}.rope.scaling.original_context_length`, original);
      yarnExtras(scaling, metadata, `${prefix}.rope.scaling`);
      return;
    }
    default:
      config.unsupported(`the rope scaling ${JSON.stringify(type)}`);
  }
}

function yarnExtras(scaling: JsonObject, metadata: MetadataBuilder, prefix: string): void {
  const names = {
    extrapolation_factor: "yarn_ext_factor",
    attention_factor: "yarn_attn_factor",
    beta_fast: "yarn_beta_fast",
    beta_slow: "yarn_beta_slow",
  };
  for (const [from, to] of Object.entries(names)) {
    const value = numberIn(scaling, from);
    if (value !== undefined) metadata.float32(`${prefix}.${to}`, value);
  }
}

/**
 * The divisors of the rotary frequencies under Llama 3.1's scaling: 1 for short wavelengths, `factor` for those
 * past the original context, a smooth way between (transformers, `_compute_llama3_parameters`).
 */
export function llama3FrequencyFactors(config: ModelConfig, headSize: number): Float32Array | undefined {
  const { theta, type, scaling } = ropeSettings(config);
  if (type !== "llama3") return undefined;
  const factor = required(config, scaling, "factor");
  const low = numberIn(scaling, "low_freq_factor") ?? 1;
  const high = numberIn(scaling, "high_freq_factor") ?? 4;
  const original = numberIn(scaling, "original_max_position_embeddings") ?? 8192;
  if (high <= low) config.refuse("rope_scaling has high_freq_factor <= low_freq_factor");
  return Float32Array.from({ length: headSize / 2 }, (_, index) => {
    const wavelength = 2 * Math.PI * theta ** ((2 * index) / headSize);
    if (wavelength < original / high) return 1;
    if (wavelength > original / low) return factor;
    const smooth = (original / wavelength - low) / (high - low);
    return 1 / ((1 - smooth) / factor + smooth);
  });
}

function required(config: ModelConfig, scaling: JsonObject, key: string): number {
  return numberIn(scaling, key) ?? config.refuse(`rope_scaling lacks ${key}`);
}
