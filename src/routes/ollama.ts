import { Readable } from "node:stream";
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { FastifyReply, FastifyRequest } from "fastify";
import { Type } from "typebox";
import { ollamaError, toOllamaError } from "../dialects/ollama/errors.ts";
import { cardOf, OLLAMA_VERSION, plainName, runningOf, tagOf } from "../dialects/ollama/models.ts";
import { ChatBody, EmbedBody, GenerateBody, ShowBody } from "../dialects/ollama/schema.ts";
import { isUnloading, type Line, type Ollama, whole } from "../dialects/ollama/service.ts";
import type { EmbeddingsService } from "../dialects/openai/embeddings/service.ts";
import { InvalidRequestError } from "../errors.ts";
import { errorSender, toApiError } from "../http/error-envelope.ts";
import { acceptJsonOfAnyType } from "../http/json-body.ts";
import { responseSchemasWith } from "../http/schema.ts";
import { modelStatus } from "../serving/model-status.ts";
import type { ServedModel } from "../serving/served-model.ts";
import type { ServedModels } from "../serving/served-models.ts";
import { streamWithModel, withModel } from "./openai/with-model.ts";

const Anything = Type.Object({}, { additionalProperties: true, description: "As in Ollama's API." });

/** What front ends speak that know only Ollama: its native API. */
export function ollamaRoutes(
  models: ServedModels,
  ollama: (model: ServedModel) => Ollama,
  embeddings: EmbeddingsService,
): FastifyPluginAsyncTypebox {
  const startedAt = new Date().toISOString();
  return async (app) => {
    app.setErrorHandler(errorSender(toOllamaError));
    acceptJsonOfAnyType(app);
    const config = { scope: "inference", isKeyless: true } as const;
    const tags = ["Ollama"];
    const response = responseSchemasWith(ollamaError, Anything, 400, 401, 404, 413, 429, 503);
    app.post(
      "/api/chat",
      { config, schema: { tags, summary: "Chat", body: ChatBody, response } },
      (request, reply) => {
        const { body } = request;
        const lines = linesOf(request, body, (model) => ollama(model).chat(body, request.context));
        return answer(request, reply, lines, body.stream !== false);
      },
    );
    app.post(
      "/api/generate",
      { config, schema: { tags, summary: "Answer a prompt", body: GenerateBody, response } },
      (request, reply) => {
        const { body } = request;
        const lines = linesOf(request, body, (model) => ollama(model).generate(body, request.context));
        return answer(request, reply, lines, body.stream !== false);
      },
    );
    const linesOf = (
      { context }: FastifyRequest,
      body: ChatBody | GenerateBody,
      lines: (model: ServedModel) => AsyncIterable<Line>,
    ): AsyncIterable<Line> => {
      context.account.note({ model: body.model });
      const wanted = { model: plainName(body.model), keep_alive: body.keep_alive };
      const model = models.find(wanted.model);
      // What only asks to be unloaded is not loaded for that.
      return isUnloading(body) && models.placeOf(model).state === "out"
        ? lines(model)
        : streamWithModel(models, wanted, context, lines);
    };
    const embed = async ({ model, input, dimensions }: EmbedBody, signal: AbortSignal) => {
      const { data, usage } = await embeddings.create(
        {
          model: plainName(model),
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
      async ({ body, context }) => {
        const name = body.model ?? body.name;
        if (name === undefined) throw new InvalidRequestError("model is required", { param: "model" });
        return withModel(models, { model: plainName(name) }, context, async ({ engine }) =>
          cardOf(name, engine.describe(), startedAt),
        );
      },
    );
    app.get("/api/tags", { config, schema: { tags, summary: "List models", response } }, async () => ({
      models: models.all.flatMap(({ names, description: model }) =>
        names.map((name) => tagOf({ name, model }, startedAt)),
      ),
    }));
    app.get("/api/ps", { config, schema: { tags, summary: "List loaded models", response } }, async () => ({
      models: models.all.flatMap((model) => {
        const { status, expires_at: expiresAt } = modelStatus(models, model);
        const { names, description } = model;
        const isRunning = status === "loaded" && description !== undefined;
        return isRunning ? names.map((name) => runningOf(name, description, expiresAt)) : [];
      }),
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
