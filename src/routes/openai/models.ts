import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { FastifyReply, FastifyRequest } from "fastify";
import { Type } from "typebox";
import { anthropicModel } from "../../dialects/anthropic/model.ts";
import { unixSeconds } from "../../dialects/ids.ts";
import { Answer, responses } from "../../http/schema.ts";
import type { ModelDescription } from "../../inference/engine.ts";
import { OneOf } from "../../platform/schema/one-of.ts";
import type { ModelNames } from "../../serving/model-names.ts";

const modelFields = {
  id: Type.String(),
  object: OneOf(["model"]),
  created: Type.Integer({ description: "When this server started, in seconds since 1970." }),
  owned_by: Type.String(),
  context_window: Type.Integer({ description: "Extra: tokens of prompt and completion together." }),
  context_length: Type.Integer({ description: "Extra: the same, as OpenRouter's clients look for it." }),
  max_model_len: Type.Integer({ description: "Extra: the same, as vLLM's clients look for it." }),
  root: Type.String({ description: "Extra: the model behind an alias." }),
  capabilities: Type.Object(
    {
      chat_template: Type.Boolean(),
      tools: Type.Boolean(),
      structured_output: Type.Boolean(),
      logprobs: Type.Boolean(),
      infill: Type.Boolean(),
      vision: Type.Boolean(),
    },
    { description: "Extra: what requests may ask of it." },
  ),
};
const Model = Answer(modelFields, "A served model.");
const ModelList = Answer(
  {
    object: OneOf(["list"]),
    data: Type.Array(Type.Object(modelFields)),
    models: Type.Array(Type.Unknown(), {
      description: "Extra: Codex takes particulars of OpenAI's models from here; there are none.",
    }),
  },
  "The served model, and its aliases; in Anthropic's shape where the request has a header `anthropic-version`.",
);

export function openAiModelRoutes(models: ModelNames): FastifyPluginAsyncTypebox {
  const created = unixSeconds();
  const describe = (id: string, model: ModelDescription) => ({
    id,
    object: "model" as const,
    created,
    owned_by: "llm-server",
    context_window: model.contextWindow,
    context_length: model.contextWindow,
    max_model_len: model.contextWindow,
    root: model.name,
    capabilities: {
      chat_template: model.chatTemplate !== undefined,
      tools: true,
      structured_output: true,
      logprobs: true,
      infill: false,
      vision: false,
    },
  });
  const list = () => models.all.map((name) => describe(name, models.find(name)));
  const startedAt = new Date(created * 1000).toISOString();
  const describeToAnthropic = (id: string) => anthropicModel(id, models.find(id), startedAt);
  /** Fields of two APIs have no schema in common. */
  const asAnthropic = (reply: FastifyReply, body: object): void => {
    reply.type("application/json; charset=utf-8").serializer(JSON.stringify).send(body);
  };
  return async (app) => {
    const tags = ["OpenAI"];
    for (const url of ["/v1/models", "/v1/models/"]) {
      app.get(
        url,
        {
          schema: {
            tags,
            summary: "List models",
            hide: url.endsWith("/"),
            response: responses(ModelList, 401, 503),
          },
        },
        (request, reply) => {
          if (!isForAnthropic(request)) return { object: "list" as const, data: list(), models: [] };
          const data = models.all.map(describeToAnthropic);
          const [first_id, last_id] = [data.at(0)?.id ?? null, data.at(-1)?.id ?? null];
          return asAnthropic(reply, { data, has_more: false, first_id, last_id });
        },
      );
    }
    const show = (request: FastifyRequest, reply: FastifyReply, id: string) =>
      isForAnthropic(request) ? asAnthropic(reply, describeToAnthropic(id)) : describe(id, models.find(id));
    app.get(
      "/v1/models/:id",
      {
        schema: {
          tags,
          summary: "Show a model",
          params: Type.Object({
            id: Type.String({ description: "The model's id; its slashes may be sent as they are." }),
          }),
          response: responses(Model, 401, 404, 503),
        },
      },
      (request, reply) => show(request, reply, request.params.id),
    );
    // The same for ids with slashes, which a path parameter ends at.
    app.get(
      "/v1/models/*",
      {
        schema: {
          hide: true,
          params: Type.Object({ "*": Type.String() }),
          response: responses(Model, 401, 404, 503),
        },
      },
      (request, reply) => show(request, reply, request.params["*"]),
    );
  };
}

function isForAnthropic({ headers }: FastifyRequest): boolean {
  return headers["anthropic-version"] !== undefined;
}
