import koffi from "koffi";
import { TokenBatch } from "../../src/inference/llama/batch.ts";
import { loadLlama } from "../../src/inference/llama/bindings.ts";
import { LlamaModel } from "../../src/inference/llama/model.ts";

/** A GGUF file in the real engine, for what tests ask of it: tokens of a text, logits of tokens. */
export class EngineModel {
  readonly #llama = loadLlama();
  readonly #model: LlamaModel;

  constructor(path: string) {
    this.#model = LlamaModel.load(this.#llama, { path, gpuLayers: 0 });
  }

  get model(): LlamaModel {
    return this.#model;
  }

  tokenize(text: string, options: { addSpecial?: boolean; parseSpecial?: boolean } = {}): number[] {
    const { addSpecial = false, parseSpecial = false } = options;
    return [...this.#model.vocabulary.tokenize(text, { addSpecial, parseSpecial })];
  }

  /**
   * Logits at every position, with flash attention unless told otherwise. Keys and values are kept in F32, so that only the model's own arithmetic is seen, or in
   * the server's F16 where its answers are to be compared; those are computed as a server does, the first
   * `promptTokens` in one batch and the others one by one, since kernels of other shapes round otherwise.
   */
  logits(
    tokens: readonly number[],
    kvCache: "f32" | "f16" = "f32",
    promptTokens = tokens.length,
    isFlashAttention = kvCache === "f16",
  ): readonly Float32Array[] {
    return this.#llama.withLog(
      () => {},
      () => this.#decode(tokens, kvCache, promptTokens, isFlashAttention),
    );
  }

  #decode(
    tokens: readonly number[],
    kvCache: "f32" | "f16",
    promptTokens: number,
    isFlashAttention: boolean,
  ): readonly Float32Array[] {
    const llama = this.#llama;
    const context = llama.llama_init_from_model(this.#model.handle, {
      ...llama.llama_context_default_params(),
      n_ctx: tokens.length,
      n_batch: tokens.length,
      n_ubatch: tokens.length,
      n_seq_max: 1,
      n_outputs_max: tokens.length,
      n_threads: 1,
      n_threads_batch: 1,
      ...(kvCache === "f32" && { type_k: 0, type_v: 0 }),
      ...(!isFlashAttention && { flash_attn_type: 0 }),
    });
    if (context === null) throw new Error("no context");
    try {
      const batch = new TokenBatch(tokens.length);
      const rows: Float32Array[] = [];
      for (let start = 0; start < tokens.length; ) {
        const end = Math.max(start + 1, promptTokens);
        batch.clear();
        for (let position = start; position < end; position++)
          batch.add(tokens[position] as number, position, 0, true);
        const status = llama.llama_decode(context, batch.struct());
        if (status !== 0) throw new Error(`llama_decode returned ${status}`);
        for (let row = 0; row < end - start; row++) {
          const pointer = llama.llama_get_logits_ith(context, row);
          if (pointer === null) throw new Error(`row ${row} has no logits`);
          rows.push(new Float32Array(koffi.view(pointer, this.#model.vocabulary.size * 4)).slice());
        }
        start = end;
      }
      return rows;
    } finally {
      llama.llama_free(context);
    }
  }

  free(): void {
    this.#model.free();
  }
}
