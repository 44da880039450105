import type { Llama, LogLine } from "./bindings.ts";
import { LlamaError } from "./errors.ts";
import type { ContextHandle, ModelHandle } from "./signatures.ts";

export interface AdapterOptions {
  /** A GGUF file of type `adapter`. */
  readonly path: string;
  /** How much of the change is applied; 1 is what the adapter was trained for. */
  readonly scale: number;
}

/**
 * From now on `context` computes with the model as the LoRA adapter changes it. A context keeps one adapter for its whole
 * life: keys and values of one model are never taken for another's.
 * @throws LlamaError when the adapter can't be read or isn't made for this model
 */
export function applyAdapter(
  llama: Llama,
  model: ModelHandle,
  context: ContextHandle,
  { path, scale }: AdapterOptions,
): void {
  const errors: string[] = [];
  const onLine = ({ level, text }: LogLine) => {
    if (level === "error") errors.push(text.replace(/^[\w:]+: /, ""));
  };
  const adapter = llama.withLog(onLine, () => llama.llama_adapter_lora_init(model, path));
  if (adapter === null)
    throw new LlamaError(
      "load_failed",
      `The adapter ${path} can't be loaded: ${errors.join("; ") || "no reason given"}.`,
    );
  const status = llama.llama_set_adapters_lora(context, BigInt64Array.of(adapter), 1, Float32Array.of(scale));
  if (status !== 0)
    throw new LlamaError("load_failed", `The adapter ${path} can't be applied to this model.`);
}
