import type { ModelDescription } from "../../inference/engine.ts";

/** A model as Anthropic's API lists it; `createdAt` is RFC 3339. */
export function anthropicModel(id: string, model: ModelDescription | undefined, createdAt: string) {
  return {
    type: "model",
    id,
    display_name: id,
    created_at: createdAt,
    max_input_tokens: model?.contextWindow ?? null,
    max_tokens: model?.contextWindow ?? null,
    lifecycle: "active",
    line: null,
    deprecated_at: null,
    retires_at: null,
    capabilities: null,
  } as const;
}
