import { setTimeout as pause } from "node:timers/promises";
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { ApiError } from "../errors.ts";
import type { SentEvent } from "../http/event-stream.ts";
import { answerSchema, responseSchemas } from "../http/schema.ts";
import { errorEvent, streamEvents } from "../http/stream-events.ts";
import type { FieldsLog } from "../platform/log.ts";
import { modelStatus, StatusFields } from "../serving/model-status.ts";
import type { ServedModel } from "../serving/served-model.ts";
import type { ServedModels } from "../serving/served-models.ts";

/** How often a model's state is looked at for those who follow it. */
const POLL_MS = 200;

const ModelStatus = answerSchema({ id: Type.String(), ...StatusFields }, "Where a model is.");
const Id = Type.Object({
  id: Type.String({ description: "The model's id; its slashes must be sent as %2F here." }),
});

export interface ServedModelRoutes {
  readonly models: ServedModels;
  /** Time that running requests get when their model is unloaded. */
  readonly drainMs: number;
  readonly log: Pick<FieldsLog, "error">;
}

/** Loads, unloads and pins models by hand, and follows how far that is. */
export function servedModelRoutes({ models, drainMs, log }: ServedModelRoutes): FastifyPluginAsyncTypebox {
  const describe = (model: ServedModel) => ({
    id: model.names[0] ?? model.name,
    ...modelStatus(models, model),
  });
  const inBackground = (work: Promise<void>, model: ServedModel, what: string) => {
    // The failure is in the model's status.
    work.catch((error: unknown) => log.error({ err: error, model: model.name }, `${what} failed`));
  };
  const actions = {
    load: {
      summary: "Load a model, unloading idle ones where it needs their room",
      act: (model: ServedModel) =>
        inBackground(
          models.load(model).then(() => model.wake()),
          model,
          "loading",
        ),
    },
    sleep: {
      summary: "Give a model's KV cache back, and keep its weights; the next request wakes it",
      act: (model: ServedModel) => model.sleep(),
    },
    unload: {
      summary: "Unload a model once its running requests are done; the next request loads it again",
      act: (model: ServedModel) => {
        if (models.isPinned(model))
          throw new ApiError("conflict", `The model ${model.name} is pinned; unpin it first.`, {
            param: "id",
          });
        inBackground(models.unload(model, drainMs), model, "unloading");
      },
    },
    pin: {
      summary: "Keep a model in memory",
      act: (model: ServedModel) => {
        models.pin(model, true);
        inBackground(models.load(model), model, "loading");
      },
    },
    unpin: {
      summary: "Let a model be unloaded to make room",
      act: (model: ServedModel) => {
        if (model === models.default) {
          throw new ApiError(
            "conflict",
            `The model ${model.name} answers requests that name no model, and stays in memory.`,
            { param: "id" },
          );
        }
        models.pin(model, false);
      },
    },
  } as const;
  return async (app) => {
    const config = { scope: "models" } as const;
    const tags = ["Models"];
    for (const [action, { summary, act }] of Object.entries(actions)) {
      app.post(
        `/v1/models/:id/${action}`,
        {
          config,
          schema: { tags, summary, params: Id, response: responseSchemas(ModelStatus, 401, 404, 409, 503) },
        },
        async (request) => {
          const model = models.find(request.params.id, "id");
          await act(model);
          return describe(model);
        },
      );
    }
    app.get(
      "/v1/models/:id/events",
      {
        config,
        schema: {
          tags,
          summary: "Follow a model",
          description:
            "Server-sent events, one named `status` after each change, until the model is loaded, unloaded or has failed.",
          params: Id,
        },
      },
      async (request, reply) => {
        const model = models.find(request.params.id, "id");
        const events = changes(() => describe(model), request.context.signal);
        return streamEvents(request, reply, { events, formatError: errorEvent });
      },
    );
  };
}

/** Each state that differs from the one before, until the model has come to rest. */
async function* changes(
  describe: () => { readonly status: string },
  signal: AbortSignal,
): AsyncIterable<SentEvent> {
  for (let last = ""; !signal.aborted; await pause(POLL_MS)) {
    const status = describe();
    const text = JSON.stringify(status);
    if (text !== last) yield { event: "status", data: status };
    last = text;
    if (!["loading", "restarting", "unloading"].includes(status.status)) return;
  }
}
