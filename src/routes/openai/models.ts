import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
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
  { object: OneOf(["list"]), data: Type.Array(Type.Object(modelFields)) },
  "The served model, and its aliases.",
);

export function openAiModelRoutes(models: ModelNames): FastifyPluginAsyncTypebox {
  const created = unixSeconds();
  const describe = (id: string, model: ModelDescription) => ({
    id,
    object: "model" as const,
    created,
    owned_by: "llm-server",
    context_window: model.contextWindow,
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
  return async (app) => {
    const tags = ["OpenAI"];
    app.get(
      "/v1/models",
      { schema: { tags, summary: "List models", response: responses(ModelList, 401, 503) } },
      () => ({ object: "list" as const, data: models.all.map((name) => describe(name, models.find(name))) }),
    );
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
      (request) => describe(request.params.id, models.find(request.params.id)),
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
      (request) => describe(request.params["*"], models.find(request.params["*"])),
    );
  };
}
