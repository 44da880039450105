import { createHash } from "node:crypto";
import type { ModelDescription } from "../../inference/engine.ts";

/** A fact that an answer depends on, as it was and as it is. */
export interface Difference {
  readonly field: string;
  readonly was: string;
  readonly is: string;
}

/** What decides an answer's tokens, beside the request. */
export function factsOf(model: ModelDescription): Readonly<Record<string, string>> {
  const digest = (text: string | undefined) =>
    text === undefined ? "none" : createHash("sha256").update(text).digest("hex").slice(0, 16);
  return {
    weights: model.weights,
    adapter: model.adapter ?? "none",
    engine: model.engineVersion,
    libraries: model.libraries,
    device: model.device,
    kv_cache_type: model.kvCacheType,
    flash_attention: model.flashAttention.isOn ? "on" : "off",
    kv_layout: model.kvLayout.layout,
    context_window: String(model.contextWindow),
    chat_template: digest(model.chatTemplate),
    tool_template: digest(model.toolTemplate),
  };
}

export function differences(earlier: ModelDescription, later: ModelDescription): readonly Difference[] {
  const [before, after] = [factsOf(earlier), factsOf(later)];
  return Object.entries(before).flatMap(([field, value]) => {
    const current = after[field] ?? "none";
    return current === value ? [] : [{ field, was: value, is: current }];
  });
}
