import type { ModelDescription } from "../../inference/engine.ts";
import { identityDigest } from "../../inference/model-identity.ts";

/** The release of Ollama whose API this is: clients ask before they use what is newer. */
export const OLLAMA_VERSION = "0.12.6";

export interface Listed {
  readonly name: string;
  /** Undefined before it was loaded for the first time. */
  readonly model: ModelDescription | undefined;
}

/** Ollama's clients put a tag behind a name. */
export function plainName(name: string): string {
  return name.replace(/:latest$/, "");
}

/** A model in the form of `/api/tags`. */
export function tagOf({ name, model }: Listed, modifiedAt: string) {
  return {
    name,
    model: name,
    modified_at: modifiedAt,
    size: model?.fileSizeBytes ?? 0,
    digest: model === undefined ? "" : identityDigest(model),
    details: model === undefined ? unknownDetails : detailsOf(model),
  };
}

/** What Ollama says of a model that stays loaded. */
const NEVER = "2318-01-01T00:00:00Z";

/** A loaded model in the form of `/api/ps`; `expiresAt` is RFC 3339. */
export function runningOf(name: string, model: ModelDescription, expiresAt: string | null) {
  return {
    name,
    model: name,
    size: model.fileSizeBytes,
    digest: identityDigest(model),
    details: detailsOf(model),
    expires_at: expiresAt ?? NEVER,
    size_vram: model.device === "cpu" ? 0 : model.fileSizeBytes,
    context_length: model.contextWindow,
  };
}

/** A model in the form of `/api/show`. */
export function cardOf(name: string, model: ModelDescription, modifiedAt: string) {
  const { architecture: family } = model;
  return {
    modelfile: `FROM ${name}\n`,
    parameters: "",
    template: model.chatTemplate ?? "{{ .Prompt }}",
    details: detailsOf(model),
    model_info: {
      "general.architecture": family,
      "general.parameter_count": model.parameters,
      [`${family}.context_length`]: model.contextWindow,
      [`${family}.embedding_length`]: model.hiddenSize,
      [`${family}.block_count`]: model.layers,
      [`${family}.attention.head_count`]: model.attentionHeads,
      [`${family}.attention.head_count_kv`]: model.kvHeads,
    },
    capabilities: ["completion", "tools"],
    modified_at: modifiedAt,
  };
}

const unknownDetails = {
  parent_model: "",
  format: "gguf",
  family: "",
  families: [],
  parameter_size: "",
  quantization_level: "",
};

function detailsOf({ architecture, parameters, quantization }: ModelDescription) {
  return {
    parent_model: "",
    format: "gguf",
    family: architecture,
    families: [architecture],
    parameter_size:
      parameters >= 1e9 ? `${(parameters / 1e9).toFixed(1)}B` : `${(parameters / 1e6).toFixed(2)}M`,
    quantization_level: quantization,
  };
}
