import koffi, { type TypeObject } from "koffi";
import {
  Batch,
  ContextParams,
  LogCallback,
  ModelParams,
  type ParamsStruct,
  SamplerChainParams,
} from "./structs.ts";

/** An address in the native heap; 0n or null is NULL. Branded: a model can't be passed for a context. */
export type Handle<Name extends string> = bigint & { readonly __handle: Name };
export type ModelHandle = Handle<"llama_model">;
export type VocabHandle = Handle<"llama_vocab">;
export type ContextHandle = Handle<"llama_context">;
export type MemoryHandle = Handle<"llama_memory">;
export type SamplerHandle = Handle<"llama_sampler">;
export type AdapterHandle = Handle<"llama_adapter_lora">;
export type FloatPointer = Handle<"float">;

/** `llama_batch` by value; its arrays are native memory that `batch.ts` owns. */
export interface BatchStruct {
  n_tokens: number;
  token: bigint;
  embd: null;
  pos: bigint;
  n_seq_id: bigint;
  seq_id: bigint;
  logits: bigint;
}

type TokenizeArguments = [
  vocab: VocabHandle,
  text: Buffer,
  textLength: number,
  tokens: Int32Array,
  capacity: number,
  addSpecial: boolean,
  parseSpecial: boolean,
];

/** Thread-safe: it may also run on a thread of libuv's pool. */
interface NativeTokenize {
  (...args: TokenizeArguments): number;
  async(...args: [...TokenizeArguments, callback: (error: unknown, count: number) => void]): void;
}

/** On a thread of libuv's pool it may run beside everything that is done with other contexts. */
interface NativeInit {
  (model: ModelHandle, params: ParamsStruct): ContextHandle | null;
  async(
    model: ModelHandle,
    params: ParamsStruct,
    callback: (error: unknown, context: ContextHandle | null) => void,
  ): void;
}

/** Signatures of include/llama.h and ggml/include/ggml-backend.h, release v0.4.0; only what this server calls. */
export interface LlamaFunctions {
  llama_version(): string;
  llama_backend_init(): void;
  llama_log_set(callback: bigint | null, userData: null): void;
  llama_supports_gpu_offload(): boolean;
  llama_print_system_info(): string;
  llama_model_default_params(): ParamsStruct;
  llama_context_default_params(): ParamsStruct;
  llama_model_load_from_file(path: string, params: ParamsStruct): ModelHandle | null;
  llama_model_free(model: ModelHandle): void;
  llama_init_from_model: NativeInit;
  llama_free(context: ContextHandle): void;
  llama_n_batch(context: ContextHandle): number;
  /** NULL for a model that keeps no keys and values, an encoder. */
  llama_get_memory(context: ContextHandle): MemoryHandle | null;
  /** `enum llama_pooling_type`: -1 unspecified, 0 none, 1 mean, 2 CLS, 3 last, 4 rank. */
  llama_pooling_type(context: ContextHandle): number;
  llama_set_n_threads(context: ContextHandle, threads: number, batchThreads: number): void;
  llama_attach_threadpool(
    context: ContextHandle,
    pool: Handle<"ggml_threadpool">,
    batchPool: Handle<"ggml_threadpool">,
  ): void;
  llama_adapter_lora_init(model: ModelHandle, path: string): AdapterHandle | null;
  llama_set_adapters_lora(
    context: ContextHandle,
    adapters: BigInt64Array,
    count: number,
    scales: Float32Array,
  ): number;
  llama_model_get_vocab(model: ModelHandle): VocabHandle;
  llama_model_n_ctx_train(model: ModelHandle): number;
  llama_model_n_embd(model: ModelHandle): number;
  /** Elements of an embedding. */
  llama_model_n_embd_out(model: ModelHandle): number;
  /** Outputs of a classifier head. */
  llama_model_n_cls_out(model: ModelHandle): number;
  llama_model_n_layer(model: ModelHandle): number;
  llama_model_n_head(model: ModelHandle): number;
  llama_model_n_head_kv(model: ModelHandle): number;
  llama_model_n_swa(model: ModelHandle): number;
  llama_model_n_params(model: ModelHandle): number | bigint;
  llama_model_size(model: ModelHandle): number | bigint;
  llama_model_ftype(model: ModelHandle): number;
  llama_ftype_name(ftype: number): string;
  llama_model_has_encoder(model: ModelHandle): boolean;
  llama_model_has_decoder(model: ModelHandle): boolean;
  llama_model_is_recurrent(model: ModelHandle): boolean;
  /** Attention layers and layers with a state side by side. */
  llama_model_is_hybrid(model: ModelHandle): boolean;
  llama_model_is_diffusion(model: ModelHandle): boolean;
  llama_model_meta_count(model: ModelHandle): number;
  llama_model_meta_key_by_index(model: ModelHandle, index: number, buffer: Buffer, size: number): number;
  llama_model_meta_val_str_by_index(model: ModelHandle, index: number, buffer: Buffer, size: number): number;
  llama_vocab_n_tokens(vocab: VocabHandle): number;
  llama_vocab_type(vocab: VocabHandle): number;
  llama_vocab_bos(vocab: VocabHandle): number;
  llama_vocab_eos(vocab: VocabHandle): number;
  llama_vocab_sep(vocab: VocabHandle): number;
  llama_vocab_get_add_bos(vocab: VocabHandle): boolean;
  llama_vocab_get_add_eos(vocab: VocabHandle): boolean;
  llama_vocab_get_add_sep(vocab: VocabHandle): boolean;
  llama_vocab_get_attr(vocab: VocabHandle, token: number): number;
  llama_vocab_is_eog(vocab: VocabHandle, token: number): boolean;
  llama_tokenize: NativeTokenize;
  llama_token_to_piece(
    vocab: VocabHandle,
    token: number,
    buffer: Buffer,
    length: number,
    leftStrip: number,
    special: boolean,
  ): number;
  llama_decode(context: ContextHandle, batch: BatchStruct): number;
  /** The same for models without memory; the whole batch at once. */
  llama_encode(context: ContextHandle, batch: BatchStruct): number;
  llama_get_embeddings_seq(context: ContextHandle, sequence: number): FloatPointer | null;
  llama_memory_clear(memory: MemoryHandle, data: boolean): void;
  llama_get_logits_ith(context: ContextHandle, index: number): FloatPointer | null;
  llama_memory_seq_rm(memory: MemoryHandle, sequence: number, from: number, to: number): boolean;
  llama_memory_seq_cp(memory: MemoryHandle, source: number, target: number, from: number, to: number): void;
  /** First position that is held, -1 where none is. */
  llama_memory_seq_pos_min(memory: MemoryHandle, sequence: number): number;
  llama_memory_seq_pos_max(memory: MemoryHandle, sequence: number): number;
  /** Returns the bytes written, 0 on failure. */
  llama_state_seq_get_size_ext(context: ContextHandle, sequence: number, flags: number): number | bigint;
  llama_state_seq_get_data_ext(
    context: ContextHandle,
    target: Uint8Array,
    size: number,
    sequence: number,
    flags: number,
  ): number | bigint;
  llama_state_seq_set_data_ext(
    context: ContextHandle,
    source: Uint8Array,
    size: number,
    sequence: number,
    flags: number,
  ): number | bigint;
  llama_state_seq_save_file(
    context: ContextHandle,
    path: string,
    sequence: number,
    tokens: Int32Array,
    count: number,
  ): number | bigint;
  /** Returns the bytes read, 0 on failure; `count` receives the number of tokens. */
  llama_state_seq_load_file(
    context: ContextHandle,
    path: string,
    sequence: number,
    tokens: Int32Array,
    capacity: number,
    count: BigUint64Array,
  ): number | bigint;
  /** `flags`: 1 takes only what can't be cut: states, and the keys and values of sliding windows. */
  /** Returns the bytes written, 0 on failure. */
  /** Returns the bytes read, 0 on failure. */
  llama_sampler_chain_init(params: { no_perf: boolean }): SamplerHandle;
  llama_sampler_chain_add(chain: SamplerHandle, sampler: SamplerHandle): void;
  llama_sampler_init_greedy(): SamplerHandle;
  llama_sampler_init_dist(seed: number): SamplerHandle;
  llama_sampler_init_top_k(k: number): SamplerHandle;
  llama_sampler_init_top_p(p: number, minKeep: number): SamplerHandle;
  llama_sampler_init_min_p(p: number, minKeep: number): SamplerHandle;
  llama_sampler_init_temp(temperature: number): SamplerHandle;
  llama_sampler_init_penalties(
    vocabSize: number,
    lastN: number,
    repeat: number,
    frequency: number,
    presence: number,
  ): SamplerHandle;
  llama_sampler_init_logit_bias(vocabSize: number, count: number, biases: Buffer): SamplerHandle;
  llama_sampler_sample(sampler: SamplerHandle, context: ContextHandle, index: number): number;
  llama_sampler_apply(sampler: SamplerHandle, candidates: bigint): void;
  llama_sampler_accept(sampler: SamplerHandle, token: number): void;
  llama_sampler_free(sampler: SamplerHandle): void;
}

export type NativeType = string | TypeObject;
type Signature = readonly [result: NativeType, args: readonly NativeType[]];

const P = "void *";
export const signatures = {
  llama_version: ["str", []],
  llama_backend_init: ["void", []],
  llama_log_set: ["void", [koffi.pointer(LogCallback), P]],
  llama_supports_gpu_offload: ["bool", []],
  llama_print_system_info: ["str", []],
  llama_model_default_params: [ModelParams, []],
  llama_context_default_params: [ContextParams, []],
  llama_model_load_from_file: [P, ["str", ModelParams]],
  llama_model_free: ["void", [P]],
  llama_init_from_model: [P, [P, ContextParams]],
  llama_free: ["void", [P]],
  llama_n_batch: ["uint32", [P]],
  llama_get_memory: [P, [P]],
  llama_pooling_type: ["int32", [P]],
  llama_set_n_threads: ["void", [P, "int32", "int32"]],
  llama_attach_threadpool: ["void", [P, P, P]],
  llama_adapter_lora_init: [P, [P, "str"]],
  llama_set_adapters_lora: ["int32", [P, P, "size_t", P]],
  llama_model_get_vocab: [P, [P]],
  llama_model_n_ctx_train: ["int32", [P]],
  llama_model_n_embd: ["int32", [P]],
  llama_model_n_embd_out: ["int32", [P]],
  llama_model_n_cls_out: ["uint32", [P]],
  llama_model_n_layer: ["int32", [P]],
  llama_model_n_head: ["int32", [P]],
  llama_model_n_head_kv: ["int32", [P]],
  llama_model_n_swa: ["int32", [P]],
  llama_model_n_params: ["uint64", [P]],
  llama_model_size: ["uint64", [P]],
  llama_model_ftype: ["int32", [P]],
  llama_ftype_name: ["str", ["int32"]],
  llama_model_has_encoder: ["bool", [P]],
  llama_model_has_decoder: ["bool", [P]],
  llama_model_is_recurrent: ["bool", [P]],
  llama_model_is_hybrid: ["bool", [P]],
  llama_model_is_diffusion: ["bool", [P]],
  llama_model_meta_count: ["int32", [P]],
  llama_model_meta_key_by_index: ["int32", [P, "int32", P, "size_t"]],
  llama_model_meta_val_str_by_index: ["int32", [P, "int32", P, "size_t"]],
  llama_vocab_n_tokens: ["int32", [P]],
  llama_vocab_type: ["int32", [P]],
  llama_vocab_bos: ["int32", [P]],
  llama_vocab_eos: ["int32", [P]],
  llama_vocab_sep: ["int32", [P]],
  llama_vocab_get_add_bos: ["bool", [P]],
  llama_vocab_get_add_eos: ["bool", [P]],
  llama_vocab_get_add_sep: ["bool", [P]],
  llama_vocab_get_attr: ["int32", [P, "int32"]],
  llama_vocab_is_eog: ["bool", [P, "int32"]],
  llama_tokenize: ["int32", [P, P, "int32", P, "int32", "bool", "bool"]],
  llama_token_to_piece: ["int32", [P, "int32", P, "int32", "int32", "bool"]],
  llama_decode: ["int32", [P, Batch]],
  llama_encode: ["int32", [P, Batch]],
  llama_get_embeddings_seq: [P, [P, "int32"]],
  llama_memory_clear: ["void", [P, "bool"]],
  llama_get_logits_ith: [P, [P, "int32"]],
  llama_memory_seq_rm: ["bool", [P, "int32", "int32", "int32"]],
  llama_memory_seq_cp: ["void", [P, "int32", "int32", "int32", "int32"]],
  llama_memory_seq_pos_min: ["int32", [P, "int32"]],
  llama_memory_seq_pos_max: ["int32", [P, "int32"]],
  llama_state_seq_get_size_ext: ["size_t", [P, "int32", "uint32"]],
  llama_state_seq_get_data_ext: ["size_t", [P, P, "size_t", "int32", "uint32"]],
  llama_state_seq_set_data_ext: ["size_t", [P, P, "size_t", "int32", "uint32"]],
  llama_state_seq_save_file: ["size_t", [P, "str", "int32", P, "size_t"]],
  llama_state_seq_load_file: ["size_t", [P, "str", "int32", P, "size_t", P]],
  llama_sampler_chain_init: [P, [SamplerChainParams]],
  llama_sampler_chain_add: ["void", [P, P]],
  llama_sampler_init_greedy: [P, []],
  llama_sampler_init_dist: [P, ["uint32"]],
  llama_sampler_init_top_k: [P, ["int32"]],
  llama_sampler_init_top_p: [P, ["float", "size_t"]],
  llama_sampler_init_min_p: [P, ["float", "size_t"]],
  llama_sampler_init_temp: [P, ["float"]],
  llama_sampler_init_penalties: [P, ["int32", "int32", "float", "float", "float"]],
  llama_sampler_init_logit_bias: [P, ["int32", "int32", P]],
  llama_sampler_sample: ["int32", [P, P, "int32"]],
  llama_sampler_apply: ["void", [P, P]],
  llama_sampler_accept: ["void", [P, "int32"]],
  llama_sampler_free: ["void", [P]],
} as const satisfies Record<keyof LlamaFunctions, Signature>;
