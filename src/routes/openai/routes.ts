import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Assistant } from "../../assistant/assistant.ts";
import { ConstraintCompiler } from "../../assistant/constraint-compiler.ts";
import type { ChatTemplate } from "../../assistant/template/template.ts";
import { Messages } from "../../dialects/anthropic/service.ts";
import { Ollama } from "../../dialects/ollama/service.ts";
import { ChatCompletions } from "../../dialects/openai/chat/service.ts";
import { Completions } from "../../dialects/openai/completions/service.ts";
import type { EmbeddingsService } from "../../dialects/openai/embeddings/service.ts";
import { Responses } from "../../dialects/openai/responses/service.ts";
import { MemoryResponseStore } from "../../dialects/openai/responses/store.ts";
import type { Engine } from "../../inference/engine.ts";
import { ModelNames } from "../../serving/model-names.ts";
import { embeddingRoutes } from "../embeddings.ts";
import { ollamaRoutes } from "../ollama.ts";
import { chatCompletionRoutes } from "./chat-completions.ts";
import { completionRoutes } from "./completions.ts";
import { messageRoutes } from "./messages.ts";
import { openAiModelRoutes } from "./models.ts";
import { responseRoutes } from "./responses.ts";
import { tokenRoutes } from "./tokens.ts";

export interface OpenAiDependencies {
  readonly engine: Engine;
  readonly template: () => ChatTemplate;
  /** Draws a 32-bit seed. */
  readonly randomSeed: () => number;
  /** Name to the model it stands for. */
  readonly modelAliases: ReadonlyMap<string, string>;
  /** How the configuration names the model. */
  readonly requestedModel: string;
  readonly embeddings: EmbeddingsService;
}

/** Every route that other servers' clients expect. */
export function openAiRoutes(dependencies: OpenAiDependencies): FastifyPluginAsyncTypebox {
  const { engine, template, randomSeed, modelAliases, requestedModel, embeddings } = dependencies;
  const models = new ModelNames(engine, modelAliases, requestedModel);
  const constraints = new ConstraintCompiler();
  const assistant = new Assistant(engine, template, randomSeed, constraints);
  const responses = new MemoryResponseStore({ responses: 1000, characters: 64 * 2 ** 20 });
  return async (app) => {
    await app.register(openAiModelRoutes(models));
    await app.register(chatCompletionRoutes(new ChatCompletions(assistant, models)));
    await app.register(completionRoutes(new Completions({ engine, models, randomSeed, constraints })));
    await app.register(responseRoutes(new Responses({ engine, assistant, models, store: responses })));
    await app.register(messageRoutes(new Messages({ engine, assistant, models })));
    await app.register(tokenRoutes({ engine, assistant, models }));
    await app.register(embeddingRoutes(embeddings));
    await app.register(ollamaRoutes(new Ollama({ assistant, models }), embeddings));
  };
}
