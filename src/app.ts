import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { FastifyBaseLogger } from "fastify";
import type { ConstraintCompiler } from "./assistant/constraint-compiler.ts";
import type { Config } from "./config/config.ts";
import type { DescribedSetting } from "./config/described.ts";
import { DEFAULT_API_KEY } from "./config/settings.ts";
import { agentTasks } from "./dialects/mcp/agent-tools.ts";
import { McpEndpoint } from "./dialects/mcp/endpoint.ts";
import { createTools } from "./dialects/mcp/tools.ts";
import { EmbeddingsService } from "./dialects/openai/embeddings/service.ts";
import { RerankService } from "./dialects/rerank/service.ts";
import { createAgents } from "./features/agents/create.ts";
import { ChatService } from "./features/chat/service.ts";
import { Datasets } from "./features/datasets/datasets.ts";
import { Judge } from "./features/evaluation/judge.ts";
import { EngineJudge } from "./features/evaluation/judges/engine-judge.ts";
import type { JudgeModel } from "./features/evaluation/judges/judge-model.ts";
import { createBatchEvals } from "./features/evaluation/runs/create.ts";
import { Sandbox } from "./features/evaluation/sandbox/sandbox.ts";
import { EvaluationService } from "./features/evaluation/service.ts";
import { McpServers } from "./features/mcp-servers/servers.ts";
import { Retrieval } from "./features/rag/retrieval.ts";
import { registerDocsPage } from "./http/docs-page.ts";
import { isLoopback } from "./http/host-check.ts";
import { registerOpenApi } from "./http/openapi.ts";
import { createServer, type RequestRecorder, type Server } from "./http/server.ts";
import type { Embedder } from "./inference/embedder.ts";
import { Microscope } from "./inference/microscope/microscope.ts";
import type { Reranker } from "./inference/reranker.ts";
import type { EnergyMeter } from "./instruments/energy.ts";
import { Backtests } from "./instruments/planner/backtests.ts";
import { Planner } from "./instruments/planner/planner.ts";
import type { KeptAnswers } from "./instruments/replay/kept-answers.ts";
import { Replayer } from "./instruments/replay/replay.ts";
import { SelfAudit } from "./instruments/replay/self-audit.ts";
import type { Caches } from "./platform/cache/caches.ts";
import { monotonicMs } from "./platform/clock.ts";
import { RedisTokenBuckets } from "./platform/rate-limit/redis-token-buckets.ts";
import { MemoryTokenBuckets, type TokenBuckets } from "./platform/rate-limit/token-buckets.ts";
import type { RedisConnection } from "./platform/redis/connection.ts";
import type { Store } from "./platform/store/database.ts";
import { Webhooks } from "./platform/webhooks/webhooks.ts";
import { agentRoutes } from "./routes/agents/agents.ts";
import { sessionContentRoutes } from "./routes/agents/session-contents.ts";
import { sessionRoutes } from "./routes/agents/sessions.ts";
import { batchEvalRoutes } from "./routes/batch-evals.ts";
import { cacheRoutes } from "./routes/cache.ts";
import { capacityRoutes } from "./routes/capacity.ts";
import { chatRoutes } from "./routes/chat.ts";
import { consoleRoutes } from "./routes/console.ts";
import { datasetRoutes } from "./routes/datasets.ts";
import { energyRoutes } from "./routes/energy.ts";
import { evaluateRoutes } from "./routes/evaluate.ts";
import { flightRoutes } from "./routes/flights.ts";
import { glossaryRoutes } from "./routes/glossary.ts";
import { healthRoutes } from "./routes/health.ts";
import { liveRoutes } from "./routes/live.ts";
import { mcpRoutes } from "./routes/mcp.ts";
import { mcpServerRoutes } from "./routes/mcp-servers.ts";
import { metricsRoutes } from "./routes/metrics.ts";
import { microscopeRoutes } from "./routes/microscope.ts";
import { modelRoutes } from "./routes/model.ts";
import { createLastingResponses } from "./routes/openai/lasting-responses.ts";
import { openAiRoutes } from "./routes/openai/routes.ts";
import { ragRoutes } from "./routes/rag.ts";
import { replayRoutes } from "./routes/replay.ts";
import { requestRoutes } from "./routes/requests.ts";
import { rerankRoutes } from "./routes/rerank.ts";
import { runningRoutes } from "./routes/running.ts";
import { servedModelRoutes } from "./routes/served-models.ts";
import { settingsRoutes } from "./routes/settings.ts";
import { timelineRoutes } from "./routes/timeline.ts";
import { EmbeddingModelNames } from "./serving/embedding-model-names.ts";
import type { ServedModels } from "./serving/served-models.ts";
import type { EnergyAccount } from "./telemetry/energy/energy-account.ts";
import type { Contents } from "./telemetry/ledger/contents.ts";
import type { Ledger } from "./telemetry/ledger/ledger.ts";
import type { Metrics } from "./telemetry/metrics.ts";
import type { Receipts } from "./telemetry/receipts.ts";
import { RunningRequests } from "./telemetry/running-requests.ts";
import type { FlightRecorder } from "./telemetry/steps/flight-recorder.ts";
import type { StepRing } from "./telemetry/steps/step-ring.ts";

const HOUR_MS = 3_600_000;
/** What `npm run build:console` makes of `web/`. */
const consoleBuild = fileURLToPath(new URL("../web/dist", import.meta.url));

/** What answers requests. */
export interface AppModels {
  readonly served: ServedModels;
  /** Who judges, where that is not the served model. */
  readonly judge: JudgeModel | undefined;
  readonly embedder: Embedder;
  readonly reranker: Reranker;
  readonly constraints: ConstraintCompiler;
  /** Draws a 32-bit seed. */
  readonly randomSeed: () => number;
}

/** What remembers. */
export interface AppPlatform {
  readonly store: Store;
  readonly caches: Caches;
  /** Shared with other servers, when there is one. */
  readonly redis: RedisConnection | undefined;
}

/** What reports. */
export interface AppTelemetry {
  readonly metrics: Metrics;
  readonly steps: StepRing;
  readonly flights: FlightRecorder;
  /** Undefined where energy is not measured. */
  readonly energy: EnergyAccount | undefined;
  readonly energyMeter: EnergyMeter;
  readonly receipts: Receipts;
  readonly contents: Contents;
  readonly keptAnswers: KeptAnswers;
  /** Told of every request, the ledger among them. */
  readonly recorders: readonly RequestRecorder[];
  /** Undefined where no requests are kept. */
  readonly ledger: Ledger | undefined;
  readonly log: FastifyBaseLogger;
}

export interface AppDependencies {
  readonly models: AppModels;
  readonly platform: AppPlatform;
  readonly telemetry: AppTelemetry;
  /** Aborts when the server is to end, before it stops serving: `SHUTDOWN_DELAY_MS`. */
  readonly leaving: AbortSignal;
  /** Aborts when the server begins to shut down; ends work that no client waits for. */
  readonly stopping: AbortSignal;
  /** What `config` was read from. */
  readonly settings: readonly DescribedSetting[];
  readonly version: string;
}

/** Composes the server: what every request passes, the services, the routes. */
export async function createApp(config: Config, dependencies: AppDependencies): Promise<Server> {
  const { models, platform, telemetry, stopping, version } = dependencies;
  const { embedder, reranker, constraints, randomSeed } = models;
  const { metrics, log } = telemetry;
  const { store } = platform;
  const { maxNewTokensLimit } = config;
  const buckets = tokenBuckets(config.rateLimit, platform.redis, metrics);
  const running = new RunningRequests();
  const app = await createServer(
    config,
    log,
    metrics,
    buckets,
    telemetry.recorders,
    telemetry.energy,
    running,
  );
  // A proxy that keeps connections open then sends its next request to a server that stays.
  app.addHook("onSend", async (_request, reply) => {
    if (dependencies.leaving.aborted) reply.header("connection", "close");
  });
  await registerOpenApi(app, { version, policy: config.requireApiKey });
  registerDocsPage(app, config.apiKey === DEFAULT_API_KEY ? DEFAULT_API_KEY : undefined);

  // What names no model is answered by the first one.
  const model = models.served.default;
  const chat = new ChatService(model, randomSeed);
  const sandbox = new Sandbox();
  app.addHook("onClose", () => sandbox.close());
  const judge = new Judge(models.judge ?? new EngineJudge(model));
  await app.register(
    healthRoutes({
      engine: model.engine,
      judgeModel: models.judge,
      embedder,
      reranker,
      store,
      caches: platform.caches,
      requestedModel: model.name,
      leaving: dependencies.leaving,
    }),
  );
  await app.register(modelRoutes(model.engine));
  await app.register(chatRoutes({ chat, maxNewTokensLimit }));
  const evaluation = new EvaluationService(judge, { sandbox, embedder });
  await app.register(evaluateRoutes(evaluation));
  const embeddingNames = new EmbeddingModelNames(embedder, config.modelAliases, config.embeddingModel);
  const servers = new McpServers({
    entries: config.mcpServers,
    secret: (name) => process.env[name],
    store,
    version,
    log,
  });
  app.addHook("onClose", () => servers.close());
  await app.register(mcpServerRoutes(servers));
  const webhooks = new Webhooks({ store, url: config.webhookUrl, secret: config.webhookSecret, log });
  const lasting = createLastingResponses({
    webhooks,
    models: models.served,
    store,
    servers,
    retentionDays: config.responsesRetentionDays,
    log,
  });
  const embeddings = new EmbeddingsService(embedder, embeddingNames);
  await app.register(
    openAiRoutes({ models: models.served, randomSeed, constraints, embeddings, lasting, servers }),
  );
  await app.register(servedModelRoutes({ models: models.served, drainMs: config.requestTimeoutMs, log }));
  const datasets = new Datasets(store);
  await app.register(datasetRoutes({ datasets, uploadLimit: config.uploadLimit }));
  const { chunkTokens, searchLanguage: language, relevanceFloor } = config;
  const retrieval = new Retrieval({
    model,
    embedder,
    reranker,
    datasets,
    store,
    settings: { chunkTokens, language, relevanceFloor },
    randomSeed,
    log,
  });
  app.addHook("onListen", () => retrieval.start());
  app.addHook("preClose", () => retrieval.close());
  await app.register(ragRoutes({ rag: retrieval.rag, indexes: retrieval.indexes, maxNewTokensLimit }));
  await app.register(rerankRoutes(new RerankService(reranker, config.rerankModel)));
  const agents = createAgents({
    models: models.served,
    store,
    servers,
    search: (body, context) => retrieval.rag.search(body, context),
    fetching: { allowed: config.fetchAllowedHosts, private: config.fetchPrivateHosts },
    webhooks,
    retentionDays: config.responsesRetentionDays,
    log,
  });
  await app.register(agentRoutes({ ...agents, models: models.served, servers }));
  await app.register(sessionRoutes({ ...agents, servers, models: models.served, randomSeed, stopping }));
  await app.register(sessionContentRoutes(agents.sessions));
  const { runs, dispatcher } = createBatchEvals({
    agents,
    store,
    datasets,
    model,
    judge,
    tools: { sandbox, embedder },
    maxNewTokensLimit,
    codeVersion: version,
    log,
  });
  await app.register(batchEvalRoutes({ runs, maxNewTokensLimit, stopping }));
  const tools = createTools({
    models: models.served,
    datasets,
    rag: retrieval.rag,
    evaluation,
    runs,
    agents,
    servers,
    maxNewTokensLimit,
  });
  const tasks = agentTasks(agents.sessions);
  await app.register(mcpRoutes(new McpEndpoint({ tools, tasks, version, clock: monotonicMs, log })));
  workWhileServing(
    app,
    {
      "batch evaluations": dispatcher,
      "responses in the background": lasting.background,
      "the deletion of old responses": lasting.retention,
      "agent sessions": agents.worker,
      webhooks,
      "the deletion of old agent sessions": agents.retention,
    },
    { store, stopping, log },
  );
  await app.register(metricsRoutes(metrics, "/v1/metrics", "metrics"));
  await app.register(requestRoutes(telemetry));
  await app.register(runningRoutes(running));
  await app.register(cacheRoutes(models.served));
  const { batchSize, stepTargetMs, maxQueue } = config;
  const planner = new Planner({
    models: models.served,
    steps: telemetry.steps,
    ledger: telemetry.ledger,
    batchSize,
    stepTargetMs,
    maxQueue,
    backtests: new Backtests(join(config.dataDir, "planner", "backtests.jsonl")),
  });
  const testing = setInterval(() => {
    planner
      .backtest(Date.now(), stopping)
      .catch((error: unknown) =>
        log.debug({ err: error }, "the planner could not be tested on the last hour"),
      );
  }, HOUR_MS).unref();
  stopping.addEventListener("abort", () => clearInterval(testing), { once: true });
  await app.register(capacityRoutes(planner));
  const replayer = new Replayer(models.served, telemetry.keptAnswers);
  await app.register(replayRoutes(replayer));
  const audit = new SelfAudit({
    kept: telemetry.keptAnswers,
    replayer,
    isIdle: () =>
      models.served.all.every(({ engine: { stats } }) => stats.runningSequences + stats.queueDepth === 0),
    everyMs: config.selfAuditHours * HOUR_MS,
    onAudited: (verdict) => metrics.audited(verdict),
    log,
    stopping,
  });
  if (config.selfAuditHours > 0) app.addHook("onListen", () => audit.start());
  const { ledger, contents, keptAnswers } = telemetry;
  const microscope = new Microscope();
  const { llamaLibraryDir: libraryDirectory } = config;
  await app.register(
    microscopeRoutes({
      microscope,
      models: models.served,
      libraryDirectory,
      randomSeed,
      ledger,
      contents,
      keptAnswers,
    }),
  );
  await app.register(
    liveRoutes({ engine: model.engine, metrics, steps: telemetry.steps, running, ledger, store, stopping }),
  );
  await app.register(timelineRoutes(telemetry.steps));
  await app.register(flightRoutes(telemetry.flights));
  await app.register(energyRoutes(telemetry.energyMeter));
  await app.register(glossaryRoutes);
  await app.register(settingsRoutes({ config, settings: dependencies.settings, engine: model.engine }));
  const knownKey = config.apiKey === DEFAULT_API_KEY && isLoopback(config.host) ? config.apiKey : undefined;
  await app.register(consoleRoutes({ apiKey: config.apiKey, knownKey, directory: consoleBuild }));
  return app;
}

/** What is done beside requests, and taken up again after a restart. */
interface LastingWork {
  recover(): Promise<void>;
  stop(): Promise<void>;
}

/** Resumes unfinished work once the server listens, and releases it when the server begins to stop. */
function workWhileServing(
  app: Server,
  works: Readonly<Record<string, LastingWork>>,
  {
    store,
    stopping,
    log,
  }: Pick<AppPlatform, "store"> & Pick<AppTelemetry, "log"> & Pick<AppDependencies, "stopping">,
): void {
  app.addHook("onListen", async () => {
    if (!store.hasData) return;
    // Not awaited: no request waits for the store.
    for (const [name, work] of Object.entries(works))
      work.recover().catch((error: unknown) => log.error({ err: error }, `could not resume ${name}`));
  });
  const stopped = Promise.withResolvers<unknown>();
  const stop = () => stopped.resolve(Promise.all(Object.values(works).map((work) => work.stop())));
  stopping.addEventListener("abort", stop, { once: true });
  app.addHook("onClose", async () => {
    if (stopping.aborted) await stopped.promise;
  });
}

/** Where requests are counted for the rate limit: in Redis for all servers on it, else in this process. */
function tokenBuckets(perMinute: number, redis: RedisConnection | undefined, metrics: Metrics): TokenBuckets {
  const memory = new MemoryTokenBuckets(perMinute, monotonicMs);
  if (redis === undefined) return memory;
  return new RedisTokenBuckets(perMinute, redis, memory, () => metrics.cacheFailed("rate_limits"));
}
