import { Readable } from "node:stream";
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { FastifyReply, FastifyRequest } from "fastify";
import { Type } from "typebox";
import { ollamaError, toOllamaError } from "../dialects/ollama/errors.ts";
import { cardOf, OLLAMA_VERSION, runningOf, tagOf } from "../dialects/ollama/models.ts";
import { ChatBody, EmbedBody, GenerateBody, ShowBody } from "../dialects/ollama/schema.ts";
import { type Line, type Ollama, whole } from "../dialects/ollama/service.ts";
import type { EmbeddingsService } from "../dialects/openai/embeddings/service.ts";
import { InvalidRequestError } from "../errors.ts";
import { errorSender, toApiError } from "../http/error-envelope.ts";
import { responsesWith } from "../http/schema.ts";

const Anything = Type.Object({}, { additionalProperties: true, description: "As Ollama's API has it." });

/** What front ends speak that know only Ollama: its native API. */
export function ollamaRoutes(ollama: Ollama, embeddings: EmbeddingsService): FastifyPluginAsyncTypebox {
  const startedAt = new Date().toISOString();
  return async (app) => {
    app.setErrorHandler(errorSender(toOllamaError));
    const config = { scope: "inference", isKeyless: true } as const;
    const tags = ["Ollama"];
    const response = responsesWith(ollamaError, Anything, 400, 401, 404, 413, 429, 503);
    app.post(
      "/api/chat",
      { config, schema: { tags, summary: "Chat", body: ChatBody, response } },
      (request, reply) => {
        const { body, context } = request;
        context.account.note({ model: body.model });
        return answer(request, reply, ollama.chat(body, context), body.stream !== false);
      },
    );
    app.post(
      "/api/generate",
      { config, schema: { tags, summary: "Answer a prompt", body: GenerateBody, response } },
      (request, reply) => {
        const { body, context } = request;
        context.account.note({ model: body.model });
        return answer(request, reply, ollama.generate(body, context), body.stream !== false);
      },
    );
    const embed = async ({ model, input, dimensions }: EmbedBody, signal: AbortSignal) => {
      const { data, usage } = await embeddings.create(
        {
          model: model.replace(/:latest$/, ""),
          input: input ?? "",
          ...(dimensions != null && { dimensions }),
        },
        signal,
      );
      return { vectors: data.map(({ embedding }) => embedding), tokens: usage.prompt_tokens };
    };
    app.post(
      "/api/embed",
      { config, schema: { tags, summary: "Embed texts", body: EmbedBody, response } },
      async ({ body, context }) => {
        const { vectors, tokens } = await embed(body, context.signal);
        return { model: body.model, embeddings: vectors, prompt_eval_count: tokens };
      },
    );
    app.post(
      "/api/embeddings",
      { config, schema: { tags, summary: "Embed a text, in the older form", body: EmbedBody, response } },
      async ({ body, context }) => {
        const { vectors } = await embed({ ...body, input: body.prompt ?? "" }, context.signal);
        return { embedding: vectors[0] };
      },
    );
    app.post(
      "/api/show",
      { config, schema: { tags, summary: "Show a model", body: ShowBody, response } },
      async ({ body }) => {
        const name = body.model ?? body.name;
        if (name === undefined) throw new InvalidRequestError("model is required", { param: "model" });
        return cardOf(ollama.find(name), startedAt);
      },
    );
    app.get("/api/tags", { config, schema: { tags, summary: "List models", response } }, async () => ({
      models: ollama.models.map((listed) => tagOf(listed, startedAt)),
    }));
    app.get("/api/ps", { config, schema: { tags, summary: "List loaded models", response } }, async () => ({
      models: ollama.models.map(runningOf),
    }));
    app.get(
      "/api/version",
      { config, schema: { tags, summary: "Release of Ollama whose API this is", response } },
      async () => ({ version: OLLAMA_VERSION }),
    );
  };
}

async function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  lines: AsyncIterable<Line>,
  isStream: boolean,
): Promise<object> {
  if (!isStream) return whole(lines);
  const iterator = lines[Symbol.asyncIterator]();
  // What fails before the first line is an ordinary error with a status of its own.
  const first = await iterator.next();
  const texts = Readable.from(asText(first, iterator, request));
  return reply.type("application/x-ndjson").send(texts);
}

async function* asText(
  first: IteratorResult<Line>,
  iterator: AsyncIterator<Line>,
  request: FastifyRequest,
): AsyncIterable<string> {
  try {
    for (let next = first; next.done !== true; next = await iterator.next())
      yield `${JSON.stringify(next.value)}\n`;
  } catch (error) {
    const known = toApiError(error);
    if (known.code === "internal_error") request.log.error({ err: error }, "stream failed");
    request.context.account.failed(known);
    yield `${JSON.stringify(toOllamaError(known, request.id).body)}\n`;
  } finally {
    await iterator.return?.();
  }
}
