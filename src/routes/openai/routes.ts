import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { ConstraintCompiler } from "../../assistant/constraint-compiler.ts";
import { Messages } from "../../dialects/anthropic/service.ts";
import { Infill } from "../../dialects/infill/service.ts";
import { Ollama } from "../../dialects/ollama/service.ts";
import { ChatCompletions } from "../../dialects/openai/chat/service.ts";
import { Completions } from "../../dialects/openai/completions/service.ts";
import type { EmbeddingsService } from "../../dialects/openai/embeddings/service.ts";
import type { McpServers } from "../../features/mcp-servers/servers.ts";
import type { ServedModels } from "../../serving/served-models.ts";
import { embeddingRoutes } from "../embeddings.ts";
import { ollamaRoutes } from "../ollama.ts";
import { chatCompletionRoutes } from "./chat-completions.ts";
import { completionRoutes } from "./completions.ts";
import { conversationRoutes } from "./conversations.ts";
import { infillRoutes } from "./infill.ts";
import type { LastingResponses } from "./lasting-responses.ts";
import { messageRoutes } from "./messages.ts";
import { openAiModelRoutes } from "./models.ts";
import { responseRoutes } from "./responses.ts";
import { storedCompletionRoutes } from "./stored-completions.ts";
import { tokenRoutes } from "./tokens.ts";
import { perModel } from "./with-model.ts";

export interface OpenAiDependencies {
  readonly models: ServedModels;
  /** Draws a 32-bit seed. */
  readonly randomSeed: () => number;
  readonly constraints: ConstraintCompiler;
  readonly embeddings: EmbeddingsService;
  readonly lasting: LastingResponses;
  /** Whose tools messages may have called. */
  readonly servers: McpServers;
}

/** Every route that other servers' clients expect. */
export function openAiRoutes(dependencies: OpenAiDependencies): FastifyPluginAsyncTypebox {
  const { models, randomSeed, constraints, embeddings, lasting, servers } = dependencies;
  const chat = perModel((model) => new ChatCompletions(model, lasting.completions));
  const completions = perModel((model) => new Completions(model, constraints, randomSeed));
  const infill = perModel(({ engine }) => new Infill(engine, randomSeed));
  const messages = perModel((model) => new Messages(model, servers));
  const ollama = perModel((model) => new Ollama(model.assistant, () => models.isPinned(model)));
  return async (app) => {
    await app.register(openAiModelRoutes(models));
    await app.register(chatCompletionRoutes(models, chat));
    await app.register(storedCompletionRoutes(lasting.completions));
    await app.register(completionRoutes(models, completions));
    await app.register(infillRoutes(models, infill));
    await app.register(responseRoutes({ models, ...lasting }));
    await app.register(conversationRoutes(lasting.conversations));
    await app.register(messageRoutes(models, messages));
    await app.register(tokenRoutes(models));
    await app.register(embeddingRoutes(embeddings));
    await app.register(ollamaRoutes(models, ollama, embeddings));
  };
}
