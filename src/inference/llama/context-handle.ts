import type { KvLayout } from "../kv-layout.ts";
import { falseAlarm, type Llama, type LogLine } from "./bindings.ts";
import { allottedTokens, type ContextOptions, kvCacheTypes } from "./context-options.ts";
import { LlamaError } from "./errors.ts";
import type { LlamaModel } from "./model.ts";
import type { ContextHandle } from "./signatures.ts";
import type { ParamsStruct } from "./structs.ts";

/** `enum llama_flash_attn_type` */
const FLASH_ATTENTION_OFF = 0;
const FLASH_ATTENTION_AUTO = -1;

/** Makes llama.cpp's context. @throws LlamaError `out_of_memory` when the KV cache or the compute buffers can't be allotted */
export function createContext(llama: Llama, model: LlamaModel, options: ContextOptions): ContextHandle {
  const errors: string[] = [];
  const onLine = (line: LogLine) => {
    if (line.level === "error") errors.push(line.text);
    options.onLog?.(falseAlarm.test(line.text) ? { ...line, level: "debug" } : line);
  };
  const params = contextParams(llama, options, options.kvLayout);
  const handle = llama.withLog(onLine, () => llama.llama_init_from_model(model.handle, params));
  return handle ?? refuse(options, errors.join("; "));
}

/** Makes another one on another thread, while the first is used. */
export function createContextBeside(
  llama: Llama,
  model: LlamaModel,
  options: ContextOptions,
  layout: KvLayout,
): Promise<ContextHandle> {
  const params = contextParams(llama, options, layout);
  const create = () => {
    const { promise, resolve, reject } = Promise.withResolvers<ContextHandle | null>();
    llama.llama_init_from_model.async(model.handle, params, (error, handle) => {
      if (error) reject(error);
      else resolve(handle);
    });
    return promise;
  };
  return llama.withoutLog(create).then((handle) => handle ?? refuse(options, "it gave no reason"));
}

function contextParams(llama: Llama, options: ContextOptions, layout: KvLayout): ParamsStruct {
  const type = kvCacheTypes[options.kvCacheType].ggmlType;
  const isFlash = options.isFlashAttention !== false && options.attention === undefined;
  return {
    ...llama.llama_context_default_params(),
    n_ctx: allottedTokens(options.contextPerSequence) * options.sequences,
    n_seq_max: options.sequences,
    n_batch: options.batchSize,
    n_ubatch: options.batchSize,
    n_outputs_max: options.maxOutputs,
    n_outputs_max_per_seq: 0,
    n_threads: options.threads,
    n_threads_batch: options.threads,
    type_k: type,
    type_v: type,
    kv_unified: layout === "shared",
    flash_attn_type: isFlash ? FLASH_ATTENTION_AUTO : FLASH_ATTENTION_OFF,
    ...(options.attention !== undefined && { cb_eval: options.attention.address }),
  };
}

function refuse({ sequences, contextPerSequence }: ContextOptions, reason: string): never {
  const tokens = allottedTokens(contextPerSequence) * sequences;
  throw new LlamaError(
    "out_of_memory",
    `llama.cpp could not create a context of ${sequences} sequences of ${contextPerSequence} tokens ` +
      `(${tokens} in all): ${reason}. Lower MAX_SEQUENCES, CONTEXT_SIZE or KV_CACHE_MEMORY.`,
  );
}
