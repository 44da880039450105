import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { FastifyReply, FastifyRequest } from "fastify";
import { Type } from "typebox";
import { anthropicModel } from "../../dialects/anthropic/model.ts";
import { infillForm } from "../../dialects/openai/completions/infill.ts";
import { unixSeconds } from "../../dialects/unix-seconds.ts";
import { answerSchema, responseSchemas } from "../../http/schema.ts";
import { OneOf } from "../../platform/schema/one-of.ts";
import { modelStatus, StatusFields } from "../../serving/model-status.ts";
import type { ServedModel } from "../../serving/served-model.ts";
import type { ServedModels } from "../../serving/served-models.ts";

const modelFields = {
  id: Type.String(),
  object: OneOf(["model"]),
  created: Type.Integer({ description: "When this server started, in seconds since 1970." }),
  owned_by: Type.String(),
  context_window: Type.Union([Type.Integer(), Type.Null()], {
    description: "Extra: tokens of prompt and completion together; null before the model was first loaded.",
  }),
  context_length: Type.Union([Type.Integer(), Type.Null()], {
    description: "Extra: the same, as OpenRouter's clients look for it.",
  }),
  max_model_len: Type.Union([Type.Integer(), Type.Null()], {
    description: "Extra: the same, as vLLM's clients look for it.",
  }),
  root: Type.String({ description: "Extra: the model behind an alias." }),
  capabilities: Type.Object(
    {
      chat_template: Type.Union([Type.Boolean(), Type.Null()]),
      tools: Type.Boolean(),
      structured_output: Type.Boolean(),
      logprobs: Type.Boolean(),
      infill: Type.Union([Type.Boolean(), Type.Null()]),
      vision: Type.Boolean(),
    },
    { description: "Extra: what requests may ask of it." },
  ),
  ...StatusFields,
};
const Model = answerSchema(modelFields, "A served model.");
const ModelList = answerSchema(
  {
    object: OneOf(["list"]),
    data: Type.Array(Type.Object(modelFields)),
    models: Type.Array(Type.Unknown(), {
      description: "Extra: Codex takes particulars of OpenAI's models from here; there are none.",
    }),
  },
  "The served models, and their aliases; in Anthropic's shape where the request has a header `anthropic-version`.",
);

export function openAiModelRoutes(models: ServedModels): FastifyPluginAsyncTypebox {
  const created = unixSeconds();
  const describe = (id: string, model: ServedModel) => ({
    id,
    object: "model" as const,
    created,
    owned_by: "llm-server",
    context_window: model.description?.contextWindow ?? null,
    context_length: model.description?.contextWindow ?? null,
    max_model_len: model.description?.contextWindow ?? null,
    root: model.names[0] ?? model.name,
    capabilities: {
      chat_template: model.description === undefined ? null : model.description.chatTemplate !== undefined,
      tools: true,
      structured_output: true,
      logprobs: true,
      infill:
        model.description === undefined ? null : infillForm(model.description.specialTexts) !== undefined,
      vision: false,
    },
    ...modelStatus(models, model),
  });
  const list = () => models.all.flatMap((model) => model.names.map((id) => describe(id, model)));
  const startedAt = new Date(created * 1000).toISOString();
  const describeToAnthropic = (id: string, model: ServedModel) =>
    anthropicModel(id, model.description, startedAt);
  /** Fields of two APIs have no schema in common. */
  const asAnthropic = (reply: FastifyReply, body: object): void => {
    reply.type("application/json; charset=utf-8").serializer(JSON.stringify).send(body);
  };
  return async (app) => {
    const config = { scope: "inference" } as const;
    const tags = ["OpenAI"];
    for (const url of ["/v1/models", "/v1/models/"]) {
      app.get(
        url,
        {
          config,
          schema: {
            tags,
            summary: "List models",
            hide: url.endsWith("/"),
            response: responseSchemas(ModelList, 401, 503),
          },
        },
        (request, reply) => {
          // Before the first model is loaded for the first time its own name may be unknown.
          models.default.engine.describe();
          if (!isForAnthropic(request)) return { object: "list" as const, data: list(), models: [] };
          const data = models.all.flatMap((model) => model.names.map((id) => describeToAnthropic(id, model)));
          const [first_id, last_id] = [data.at(0)?.id ?? null, data.at(-1)?.id ?? null];
          return asAnthropic(reply, { data, has_more: false, first_id, last_id });
        },
      );
    }
    const show = (request: FastifyRequest, reply: FastifyReply, id: string) => {
      const model = models.find(id);
      return isForAnthropic(request)
        ? asAnthropic(reply, describeToAnthropic(id, model))
        : describe(id, model);
    };
    app.get(
      "/v1/models/:id",
      {
        config,
        schema: {
          tags,
          summary: "Show a model",
          params: Type.Object({
            id: Type.String({ description: "The model's id; its slashes may be sent as they are." }),
          }),
          response: responseSchemas(Model, 401, 404, 503),
        },
      },
      (request, reply) => show(request, reply, request.params.id),
    );
    // The same for ids with slashes, which a path parameter ends at.
    app.get(
      "/v1/models/*",
      {
        config,
        schema: {
          hide: true,
          params: Type.Object({ "*": Type.String() }),
          response: responseSchemas(Model, 401, 404, 503),
        },
      },
      (request, reply) => show(request, reply, request.params["*"]),
    );
  };
}

function isForAnthropic({ headers }: FastifyRequest): boolean {
  return headers["anthropic-version"] !== undefined;
}
