import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import type { JudgeModel } from "../features/evaluation/judges/judge-model.ts";
import { answerSchema, responseSchemas } from "../http/schema.ts";
import type { Embedder } from "../inference/embedder.ts";
import type { Engine, EngineState } from "../inference/engine.ts";
import type { Reranker } from "../inference/reranker.ts";
import { type Caches, cacheStates } from "../platform/cache/caches.ts";
import { OneOf } from "../platform/schema/one-of.ts";
import type { Store } from "../platform/store/database.ts";
import { explainState } from "./readiness.ts";

export interface HealthDependencies {
  readonly engine: Engine;
  readonly embedder: Pick<Embedder, "status">;
  readonly reranker: Pick<Reranker, "status">;
  /** Undefined when the served model judges. */
  readonly judgeModel: Pick<JudgeModel, "status"> | undefined;
  readonly store: Pick<Store, "status">;
  readonly caches: Caches;
  /** What `/health` calls the model before it is loaded. */
  readonly requestedModel: string;
  /** Aborted when the server is about to end. */
  readonly leaving: AbortSignal;
}

const Health = answerSchema(
  { status: Type.Literal("ok"), model: Type.String(), device: Type.String() },
  "The server is up.",
);
const Live = answerSchema({ status: Type.Literal("ok") }, "The process serves.");
/** The other models. The server is ready without them. */
function ModelStatus(description: string) {
  return Type.Object(
    {
      state: Type.String({
        description: "`none`, `idle`, `loading`, `ready`, `restarting`, `failed` or `stopped`.",
      }),
      message: Type.Optional(Type.String({ description: "Why it failed." })),
    },
    { description },
  );
}

const Ready = answerSchema(
  {
    status: Type.Literal("ready"),
    model_loaded: Type.Literal(true),
    cache: OneOf(cacheStates, {
      description:
        "Where caches and rate limits are kept: in this process, in Redis, or in this process while Redis is away.",
    }),
    embeddings: ModelStatus("The embedding model; `idle` is loaded on first use."),
    judge: ModelStatus(
      "The model of JUDGE_MODEL; `none` when the served one judges. Of a remote one: its last answer.",
    ),
    reranker: ModelStatus("The reranker; `none` is configured unless RERANK_MODEL is set."),
    persistence: Type.Object(
      {
        kind: Type.String({ description: "`pglite`, embedded in the server, or `postgres`." }),
        state: Type.String({
          description:
            "`closed` until its first use, then `opening`, `open`, or `failed` while it can't be opened or does not answer.",
        }),
        message: Type.Optional(Type.String({ description: "Why it failed." })),
      },
      { description: "The store. The model is served without it, so it does not affect readiness." },
    ),
  },
  "Requests can be served.",
);
const NotReady = answerSchema(
  {
    status: Type.Literal("not_ready"),
    model_loaded: Type.Boolean(),
    reason: Type.String({
      description: "`loading_model`, `model_unavailable`, `engine_restarting` or `draining`.",
    }),
    phase: Type.Optional(Type.String({ description: "The phase: `downloading`, `converting`, `loading`." })),
    progress: Type.Optional(Type.Number({ description: "0 to 1." })),
    message: Type.Optional(Type.String()),
  },
  "Requests can't be served now.",
);

/** Liveness never depends on the model or on load; readiness says whether the next request would be served. */
export function healthRoutes({
  engine,
  embedder,
  reranker,
  judgeModel,
  store,
  caches,
  requestedModel,
  leaving,
}: HealthDependencies): FastifyPluginAsyncTypebox {
  return async (app) => {
    const health = () => {
      const model =
        engine.state.status === "ready" ? engine.describe() : { name: requestedModel, device: "cpu" };
      return { status: "ok" as const, model: model.name, device: model.device };
    };
    const tags = ["Health"];
    app.get(
      "/health",
      {
        config: { scope: "public", isProbe: true },
        schema: { tags, summary: "Model and device", response: responseSchemas(Health) },
      },
      health,
    );
    app.get(
      "/v1/health",
      {
        config: { scope: "inference" },
        schema: { tags, summary: "Model and device", response: responseSchemas(Health, 401) },
      },
      health,
    );
    app.get(
      "/healthz",
      {
        config: { scope: "public", isProbe: true },
        schema: { tags, summary: "Liveness", response: responseSchemas(Live) },
      },
      () => ({
        status: "ok" as const,
      }),
    );
    app.get(
      "/readyz",
      {
        config: { scope: "public", isProbe: true },
        schema: { tags, summary: "Readiness", response: { 200: Ready, 503: NotReady } },
      },
      async (_request, reply) => {
        const state: EngineState = leaving.aborted ? { status: "draining" } : engine.state;
        if (state.status === "ready") {
          return {
            status: "ready" as const,
            model_loaded: true as const,
            cache: caches.state,
            embeddings: embedder.status,
            reranker: reranker.status,
            judge: judgeModel?.status ?? { state: "none" },
            persistence: store.status,
          };
        }
        return reply
          .code(503)
          .header("retry-after", "1")
          .send({ status: "not_ready", ...explainState(state) });
      },
    );
  };
}
