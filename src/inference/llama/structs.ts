import koffi from "koffi";
import { LlamaError } from "./errors.ts";
import { LLAMA_RELEASE } from "./library.ts";

/*
 * Structs of include/llama.h, release v0.4.0, in declaration order. Passed by value, so a field too many or too few
 * is memory corruption: `verifyDefaults` compares what the library returns with what that release is known to
 * return, and refuses anything else before the first real call.
 */

export const ModelParams = koffi.struct("llama_model_params", {
  devices: "void *",
  tensor_buft_overrides: "void *",
  n_gpu_layers: "int32",
  split_mode: "int32",
  load_mode: "int32",
  lazy_mode: "int32",
  main_gpu: "int32",
  tensor_split: "void *",
  progress_callback: "void *",
  progress_callback_user_data: "void *",
  kv_overrides: "void *",
  vocab_only: "bool",
  check_tensors: "bool",
  use_extra_bufts: "bool",
  no_host: "bool",
  no_alloc: "bool",
  load_mtp: "bool",
});

export const ContextParams = koffi.struct("llama_context_params", {
  n_ctx: "uint32",
  n_batch: "uint32",
  n_ubatch: "uint32",
  n_seq_max: "uint32",
  n_rs_seq: "uint32",
  n_outputs_max: "uint32",
  n_outputs_max_per_seq: "uint32",
  n_threads: "int32",
  n_threads_batch: "int32",
  ctx_type: "int32",
  rope_scaling_type: "int32",
  pooling_type: "int32",
  attention_type: "int32",
  flash_attn_type: "int32",
  rope_freq_base: "float",
  rope_freq_scale: "float",
  yarn_ext_factor: "float",
  yarn_attn_factor: "float",
  yarn_beta_fast: "float",
  yarn_beta_slow: "float",
  yarn_orig_ctx: "uint32",
  defrag_thold: "float",
  cb_eval: "void *",
  cb_eval_user_data: "void *",
  type_k: "int32",
  type_v: "int32",
  abort_callback: "void *",
  abort_callback_data: "void *",
  embeddings: "bool",
  offload_kqv: "bool",
  no_perf: "bool",
  op_offload: "bool",
  swa_full: "bool",
  kv_unified: "bool",
  samplers: "void *",
  n_samplers: "size_t",
  ctx_other: "void *",
});

export const Batch = koffi.struct("llama_batch", {
  n_tokens: "int32",
  token: "void *",
  embd: "void *",
  pos: "void *",
  n_seq_id: "void *",
  seq_id: "void *",
  logits: "void *",
});

export const SamplerChainParams = koffi.struct("llama_sampler_chain_params", { no_perf: "bool" });

export const ProgressCallback = koffi.proto("bool llama_progress_callback(float progress, void *user_data)");
export const LogCallback = koffi.proto(
  "void ggml_log_callback(int level, const char *text, void *user_data)",
);

type Value = number | boolean | bigint | null;
export type ParamsStruct = Record<string, Value>;

const modelDefaults: ParamsStruct = {
  devices: null,
  tensor_buft_overrides: null,
  n_gpu_layers: -1,
  split_mode: 1,
  load_mode: -1,
  lazy_mode: 1,
  main_gpu: 0,
  tensor_split: null,
  progress_callback: null,
  progress_callback_user_data: null,
  kv_overrides: null,
  vocab_only: false,
  check_tensors: false,
  use_extra_bufts: true,
  no_host: false,
  no_alloc: false,
  load_mtp: false,
};

const contextDefaults: ParamsStruct = {
  n_ctx: 512,
  n_batch: 2048,
  n_ubatch: 512,
  n_seq_max: 1,
  n_rs_seq: 0,
  n_outputs_max: 0,
  n_outputs_max_per_seq: 1,
  n_threads: 4,
  n_threads_batch: 4,
  ctx_type: 0,
  rope_scaling_type: -1,
  pooling_type: -1,
  attention_type: -1,
  flash_attn_type: -1,
  rope_freq_base: 0,
  rope_freq_scale: 0,
  yarn_ext_factor: -1,
  yarn_attn_factor: -1,
  yarn_beta_fast: -1,
  yarn_beta_slow: -1,
  yarn_orig_ctx: 0,
  defrag_thold: -1,
  cb_eval: null,
  cb_eval_user_data: null,
  type_k: 1,
  type_v: 1,
  abort_callback: null,
  abort_callback_data: null,
  embeddings: false,
  offload_kqv: true,
  no_perf: true,
  op_offload: true,
  swa_full: true,
  kv_unified: false,
  samplers: null,
  n_samplers: 0,
  ctx_other: null,
};

/** Sizes in bytes on 64-bit platforms, as a C compiler lays out the v0.4.0 header. */
const sizes = { llama_model_params: 80, llama_context_params: 160, llama_batch: 56 } as const;

/**
 * Proves that the library speaks the ABI of this folder.
 * @throws LlamaError `library_mismatch` naming the release and every field that differs.
 */
export function verifyAbi(version: string, model: ParamsStruct, context: ParamsStruct): void {
  const problems: string[] = [];
  if (version.replace(/-dev$/, "") !== LLAMA_RELEASE.slice(1)) {
    problems.push(`release is ${version}`);
  }
  for (const type of [ModelParams, ContextParams, Batch]) {
    const expected = sizes[type.name as keyof typeof sizes];
    if (type.size !== expected) problems.push(`${type.name} is ${type.size} bytes and not ${expected}`);
  }
  problems.push(...differences("llama_model_params", model, modelDefaults));
  problems.push(...differences("llama_context_params", context, contextDefaults));
  if (problems.length > 0) {
    throw new LlamaError(
      "library_mismatch",
      `The llama.cpp library is not the release ${LLAMA_RELEASE} that this server is written for: ${problems.join("; ")}. ` +
        "Reinstall with npm ci, or point LLAMA_LIBRARY_DIR at a build of that release.",
    );
  }
}

function differences(struct: string, actual: ParamsStruct, expected: ParamsStruct): string[] {
  return Object.keys(expected)
    .filter((key) => actual[key] !== expected[key])
    .map((key) => `${struct}.${key} defaults to ${String(actual[key])} and not ${String(expected[key])}`);
}
