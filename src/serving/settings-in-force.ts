import type { Config } from "../config/config.ts";
import type { ModelDescription } from "../inference/engine.ts";
import { defaultQueue } from "../inference/queue-limit.ts";

/** What a setting has come to with the model that is loaded. */
export interface InForce {
  readonly value: string;
  /** Bytes of memory that it takes. */
  readonly bytes?: number;
}

/** The settings whose value the server chooses, or whose cost the model decides; by variable. */
export function settingsInForce(
  { maxQueue, cacheMemory }: Pick<Config, "maxQueue" | "cacheMemory">,
  model: ModelDescription,
): ReadonlyMap<string, InForce> {
  const sequenceBytes = model.contextWindow * model.kvCacheBytesPerToken + model.stateBytesPerSequence;
  const cacheBytes = model.sequences * sequenceBytes;
  return new Map<string, InForce>([
    ["MODEL_NAME", { value: `${model.name}, ${model.source}`, bytes: model.fileSizeBytes }],
    ["MODEL_QUANT", { value: model.quantization, bytes: model.fileSizeBytes }],
    ["CONTEXT_SIZE", { value: `${model.contextWindow} tokens a sequence`, bytes: sequenceBytes }],
    ["MAX_SEQUENCES", { value: `${model.sequences} side by side`, bytes: cacheBytes }],
    [
      "KV_CACHE_MEMORY",
      { value: `${model.sequences} sequences of ${model.contextWindow} tokens`, bytes: cacheBytes },
    ],
    ["KV_CACHE_TYPE", { value: `${model.kvCacheBytesPerToken} bytes per token`, bytes: cacheBytes }],
    [
      "FLASH_ATTENTION",
      { value: `${model.flashAttention.isOn ? "on" : "off"}: ${model.flashAttention.reason}` },
    ],
    ["KV_LAYOUT", { value: `${model.kvLayout.layout}: ${model.kvLayout.reason}` }],
    ["THREADS", { value: `${model.threads}` }],
    ["MAX_QUEUE", { value: `${maxQueue ?? defaultQueue(model.sequences)} may wait` }],
    ["CACHE_MEMORY", { value: "at most", bytes: cacheMemory }],
  ]);
}
