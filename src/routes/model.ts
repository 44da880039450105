import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { answerSchema, responseSchemas } from "../http/schema.ts";
import type { Engine } from "../inference/engine.ts";

const Model = answerSchema(
  {
    model_name: Type.String(),
    device: Type.String(),
    model_type: Type.String(),
    attention_masking: Type.String(),
    context_window: Type.Integer({
      description: "Tokens a request may use: prompt and completion together.",
    }),
    attention_heads: Type.Integer(),
    hidden_size: Type.Integer(),
    architecture: Type.String(),
    layers: Type.Integer(),
    kv_heads: Type.Integer(),
    vocab_size: Type.Integer(),
    parameters: Type.Integer(),
    quantization: Type.String(),
    file_size_bytes: Type.Integer(),
    kv_cache_bytes_per_token: Type.Number(),
    state_bytes_per_sequence: Type.Number(),
    source: Type.String({ description: "Where the model came from." }),
    sequences: Type.Integer({ description: "Requests that run side by side." }),
    kv_layout: Type.String({ description: "separate or shared: how sequences lie in the KV cache now." }),
    kv_layout_reason: Type.String({ description: "Why." }),
    flash_attention: Type.Boolean({ description: "Attention is computed in one fused pass." }),
    flash_attention_reason: Type.String({ description: "Why, or why not." }),
    threads: Type.Integer(),
    engine: Type.String(),
    chat_template: Type.Boolean({ description: "False: prompts are continued as they are." }),
  },
  "Facts of the loaded model.",
);

export function modelRoutes(engine: Engine): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      "/model",
      {
        config: { scope: "public" },
        schema: { tags: ["Model"], summary: "The loaded model", response: responseSchemas(Model, 503) },
      },
      () => {
        const model = engine.describe();
        return {
          model_name: model.name,
          device: model.device,
          model_type: "decoder-only",
          attention_masking: "causal",
          context_window: model.contextWindow,
          attention_heads: model.attentionHeads,
          hidden_size: model.hiddenSize,
          architecture: model.architecture,
          layers: model.layers,
          kv_heads: model.kvHeads,
          vocab_size: model.vocabularySize,
          parameters: model.parameters,
          quantization: model.quantization,
          file_size_bytes: model.fileSizeBytes,
          kv_cache_bytes_per_token: model.kvCacheBytesPerToken,
          state_bytes_per_sequence: model.stateBytesPerSequence,
          source: model.source,
          sequences: model.sequences,
          kv_layout: model.kvLayout.layout,
          kv_layout_reason: model.kvLayout.reason,
          flash_attention: model.flashAttention.isOn,
          flash_attention_reason: model.flashAttention.reason,
          threads: model.threads,
          engine: model.engineVersion,
          chat_template: model.chatTemplate !== undefined,
        };
      },
    );
  };
}
