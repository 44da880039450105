import { ModelError } from "../errors.ts";
import { MetadataBuilder } from "../gguf/metadata.ts";
import type { Metadata, TensorType } from "../gguf/types.ts";
import type { Architecture, Layout, TensorRule } from "./architectures/architecture.ts";
import { ModelConfig } from "./architectures/model-config.ts";
import { architectureOf } from "./architectures/registry.ts";
import type { JsonObject } from "./json.ts";
import { fileTypeOf, type Quantization, tensorTypeFor } from "./quantization.ts";
import type { StoredTensor } from "./safetensors.ts";
import { describeTokenizer } from "./tokenizer/tokenizer.ts";

/** One tensor of the file to be written. */
export interface PlannedTensor {
  readonly name: string;
  readonly type: TensorType;
  /** Fastest first. */
  readonly dimensions: readonly number[];
  readonly content:
    | { readonly kind: "stored"; readonly tensors: readonly StoredTensor[]; readonly layout: Layout }
    | { readonly kind: "computed"; readonly values: Float32Array };
}

export interface ModelDescription {
  readonly architecture: Architecture;
  readonly config: ModelConfig;
  readonly metadata: Metadata;
}

/**
 * Everything of a GGUF file but its tensors, from the small files of a checkpoint alone: this is where an
 * unsupported architecture or tokenizer is refused, before any weights are fetched.
 * @param directory holds the tokenizer's files
 */
export function describeModel(
  directory: string,
  configuration: JsonObject,
  options: { readonly name: string; readonly quantization: Quantization },
): ModelDescription {
  const config = new ModelConfig(configuration);
  const architecture = architectureOf(config);
  const quantizer = configuration["quantization_config"];
  if (quantizer) config.unsupported("weights that are already quantized (quantization_config)");
  const metadata = new MetadataBuilder()
    .string("general.architecture", architecture.name)
    .string("general.type", "model")
    .string("general.name", options.name)
    .uint32("general.file_type", fileTypeOf(options.quantization))
    .uint32("general.quantization_version", 2);
  architecture.describe(config, metadata);
  describeTokenizer(directory, config, architecture.vocabularySize(config), metadata);
  return { architecture, config, metadata: metadata.entries };
}

/**
 * Matches the checkpoint's tensors with the ones the engine expects: all of them, in the shapes that config.json
 * implies, and none left over that would change the result.
 * @throws ModelError `invalid_checkpoint` or `unsupported_architecture`
 */
export function planTensors(
  { architecture, config }: ModelDescription,
  stored: ReadonlyMap<string, StoredTensor>,
  quantization: Quantization,
): readonly PlannedTensor[] {
  const bySource = new Map([...stored].map(([name, tensor]) => [withoutWrapper(name), tensor]));
  const used = new Set<string>();
  const planned = architecture.rules(config).flatMap((rule): PlannedTensor[] => {
    const tensors = rule.sources
      .map((source) => bySource.get(source))
      .filter((tensor) => tensor !== undefined);
    const missing = rule.sources.find((source) => !bySource.has(source));
    if (missing !== undefined) {
      if (rule.optional) return [];
      throw new ModelError("invalid_checkpoint", `The checkpoint lacks the tensor ${missing}`);
    }
    for (const source of rule.sources) used.add(source);
    return [planStored(rule, tensors, quantization)];
  });
  const unknown = [...bySource.keys()].filter((source) => !used.has(source) && !architecture.ignores(source));
  if (unknown.length > 0) {
    config.unsupported(
      `${unknown.length} tensors unknown to its architecture (${unknown.slice(0, 3).join(", ")}, …)`,
    );
  }
  const computed = architecture.computed(config).map(
    ({ name, values }): PlannedTensor => ({
      name,
      type: "F32",
      dimensions: [values.length],
      content: { kind: "computed", values },
    }),
  );
  return [...computed, ...planned];
}

/** GPT-2 checkpoints come with the wrapper's name in front of each tensor (`distilgpt2`) or without (`gpt2`). */
function withoutWrapper(name: string): string {
  return name.startsWith("transformer.") ? name.slice("transformer.".length) : name;
}

function planStored(
  rule: TensorRule,
  tensors: readonly StoredTensor[],
  quantization: Quantization,
): PlannedTensor {
  const implied = tensors.length > 1 ? rule.shape.slice(1) : rule.shape;
  const misshapen = tensors.find(({ shape }) => shape.join() !== implied.join());
  if (misshapen !== undefined) {
    throw new ModelError(
      "invalid_checkpoint",
      `The tensor ${misshapen.name} has the shape [${misshapen.shape}] where config.json implies [${implied}]`,
    );
  }
  // Stored shapes run slowest first, dimensions fastest first; a transposed tensor is thereby already in order.
  const reversed = rule.layout.kind === "transposed" ? rule.shape : rule.shape.toReversed();
  const dimensions = rule.layout.kind === "without-ones" ? reversed.filter((size) => size !== 1) : reversed;
  return {
    name: rule.name,
    type: tensorTypeFor(rule.name, dimensions, quantization),
    dimensions,
    content: { kind: "stored", tensors, layout: rule.layout },
  };
}
