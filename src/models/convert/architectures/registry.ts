import { ModelError } from "../../errors.ts";
import type { Architecture } from "./architecture.ts";
import { granite, llama, olmo2, phi3, qwen2, qwen3, qwen3moe, smollm3 } from "./gated-decoder.ts";
import { gemma3 } from "./gemma3.ts";
import { gpt2 } from "./gpt2.ts";
import { lfm2 } from "./lfm2.ts";
import type { ModelConfig } from "./model-config.ts";

/** By the class name in config.json's `architectures`. SmolLM and SmolLM2 are `LlamaForCausalLM`. */
const architectures: ReadonlyMap<string, Architecture> = new Map([
  ["GPT2LMHeadModel", gpt2],
  ["LlamaForCausalLM", llama],
  ["MistralForCausalLM", llama],
  ["Qwen2ForCausalLM", qwen2],
  ["Qwen3ForCausalLM", qwen3],
  ["Qwen3MoeForCausalLM", qwen3moe],
  ["SmolLM3ForCausalLM", smollm3],
  ["GraniteForCausalLM", granite],
  ["Olmo2ForCausalLM", olmo2],
  ["Phi3ForCausalLM", phi3],
  ["Gemma3ForCausalLM", gemma3],
  ["Lfm2ForCausalLM", lfm2],
]);

/** @throws ModelError `unsupported_architecture`, naming what is supported */
export function architectureOf(config: ModelConfig): Architecture {
  const architecture = architectures.get(config.className);
  if (architecture) return architecture;
  throw new ModelError(
    "unsupported_architecture",
    `Checkpoints of ${config.className} can't be converted; supported are ${[...architectures.keys()].join(", ")}. ` +
      "Choose a repository that has GGUF files of this model (its name often ends in -GGUF)",
  );
}
