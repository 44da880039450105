import type { KvLayoutSetting } from "../kv-layout.ts";
import type { Llama } from "./bindings.ts";
import { LlamaError } from "./errors.ts";
import type { LlamaModel } from "./model.ts";

/** What llama.cpp v0.4.0 computes wrongly, found by comparing with the same prompt alone (docs/models.md). */
const faults: Readonly<Record<string, "sharedLayout" | "severalSequences" | "batches" | "rows" | "graph">> = {
  "minimax-m3": "sharedLayout",
  qwen4exp: "sharedLayout",
  plamo2: "severalSequences",
  arwkv7: "severalSequences",
  rwkv6qwen2: "severalSequences",
  cogvlm: "batches",
  // It hides the tokens of images in the first row of a batch alone (`ggml_set_1d` in chameleon.cpp).
  chameleon: "rows",
  // It hands values over in a shape that the KV cache refuses (`ggml_view_2d` before `build_attn` in plm.cpp).
  plm: "graph",
};

/** Whether llama.cpp computes the model rightly where all sequences share one buffer. */
export function canShareBuffer(model: LlamaModel): boolean {
  return faults[model.architecture] !== "sharedLayout";
}

/** Models whose tokens are not text, by what they are. */
const others: Readonly<Record<string, string>> = {
  pockettts: "is a model of speech",
  "wavtokenizer-dec": "is a model of sound",
  eagle3: "drafts for another model, which this server does not use",
  dflash: "drafts for another model, which this server does not use",
  "gemma4-assistant": "drafts for another model, which this server does not use",
};

/** Sequences that may run side by side; undefined where any number may. */
export function mostSequences(model: LlamaModel): number | undefined {
  return faults[model.architecture] === "severalSequences" ? 1 : undefined;
}

/**
 * Refuses a model that is not a language model, or whose text llama.cpp would get wrong, with what to do instead.
 * @throws LlamaError `unsupported_architecture`, `load_failed`
 */
export function assertServable(
  llama: Llama,
  model: LlamaModel,
  options: { readonly kvLayout: KvLayoutSetting; readonly maxSequences: number },
): void {
  const { architecture, path } = model;
  const refuse = (reason: string) => new LlamaError("unsupported_architecture", `${path}: ${reason}`);
  if (llama.llama_model_is_diffusion(model.handle))
    throw refuse(`${architecture} writes by diffusion, which this server does not do.`);
  const other = others[architecture];
  if (other !== undefined) throw refuse(`${architecture} ${other}.`);
  const pooling = Number(model.metadata.get(`${architecture}.pooling_type`) ?? 0);
  if (pooling > 0 || architecture === "llama-embed")
    throw refuse(`${architecture} with pooling embeds or ranks texts. Serve it with EMBEDDING_MODEL.`);
  if (model.metadata.get(`${architecture}.attention.causal`) === "false")
    throw refuse(
      `${architecture} reads texts in both directions, and writes none. Serve it with EMBEDDING_MODEL.`,
    );
  const fault = faults[architecture];
  if (fault === "graph") throw refuse(`llama.cpp ends its process when it computes ${architecture}.`);
  if (fault === "rows")
    throw refuse(
      `llama.cpp answers otherwise with ${architecture} when several tokens are asked for at once.`,
    );
  if (fault === "batches")
    throw refuse(`llama.cpp answers otherwise with ${architecture} when a prompt is computed in parts.`);
  if (options.kvLayout === "shared" && !canShareBuffer(model)) {
    throw new LlamaError(
      "load_failed",
      `${path}: llama.cpp answers wrongly with ${architecture} in a shared KV cache. Set KV_LAYOUT=separate.`,
    );
  }
  const most = mostSequences(model);
  if (most !== undefined && options.maxSequences > most) {
    throw new LlamaError(
      "load_failed",
      `${path}: llama.cpp can't compute two sequences of ${architecture} at once. Set MAX_SEQUENCES=${most}.`,
    );
  }
}
