import { randomInt } from "node:crypto";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import { createApp } from "../app.ts";
import { ConstraintCompiler } from "../assistant/constraint-compiler.ts";
import type { Config } from "../config/config.ts";
import type { DescribedSetting } from "../config/described.ts";
import { DEFAULT_API_KEY } from "../config/settings.ts";
import { isLoopback } from "../http/host-check.ts";
import type { Server } from "../http/server.ts";
import { createServer } from "../http/server.ts";
import { CachedEngine } from "../inference/cached-engine.ts";
import { CachedEmbedder } from "../inference/embedding/cached-embedder.ts";
import { DeferredEmbedder } from "../inference/embedding/deferred-embedder.ts";
import { DeferredReranker } from "../inference/embedding/deferred-reranker.ts";
import type { Engine } from "../inference/engine.ts";
import { addStats, EngineSlot } from "../inference/engine-slot.ts";
import { LLAMA_RELEASE } from "../inference/llama/library.ts";
import { PowercapCounter } from "../inference/machine/powercap.ts";
import { EnergyMeter } from "../instruments/energy.ts";
import { KeptAnswers } from "../instruments/replay/kept-answers.ts";
import { checkModelFile } from "../models/resolve.ts";
import { Caches } from "../platform/cache/caches.ts";
import { monotonicMs, wallMs } from "../platform/clock.ts";
import { RedisConnection } from "../platform/redis/connection.ts";
import { Store } from "../platform/store/database.ts";
import { metricsRoutes } from "../routes/metrics.ts";
import { LanedEngine } from "../serving/lanes.ts";
import type { ServedModels } from "../serving/served-models.ts";
import { AccountedEngine } from "../telemetry/accounted-engine.ts";
import { EnergyAccount } from "../telemetry/energy/energy-account.ts";
import { Contents } from "../telemetry/ledger/contents.ts";
import { Ledger } from "../telemetry/ledger/ledger.ts";
import { createLog } from "../telemetry/log.ts";
import { Metrics } from "../telemetry/metrics.ts";
import { ObservedEmbedder } from "../telemetry/observed-embedder.ts";
import { ObservedEngine } from "../telemetry/observed-engine.ts";
import { SpanExporter } from "../telemetry/otel/exporter.ts";
import { Receipts } from "../telemetry/receipts.ts";
import { FlightRecorder } from "../telemetry/steps/flight-recorder.ts";
import { StepRing } from "../telemetry/steps/step-ring.ts";
import { createModels } from "./create-models.ts";
import { startEmbedder, startReranker } from "./start-embeddings.ts";
import { createJudge, startJudge } from "./start-judge.ts";

/** Time that connections get to end by themselves once every generation is over. */
const CLOSE_GRACE_MS = 1_000;

export interface ServerConfiguration {
  readonly config: Config;
  /** The same for people: where each value comes from. */
  readonly settings: readonly DescribedSetting[];
  readonly version: string;
}

/** How often the energy of idle time is counted. */
const IDLE_LOOK_MS = 1000;

/** A step that runs is not idle time, however long it takes. */
function countIdleEnergy(energy: EnergyAccount | undefined, models: ServedModels): void {
  if (energy === undefined) return;
  const isIdle = () => models.all.every(({ engine }) => engine.stats.runningSequences === 0);
  setInterval(() => {
    if (isIdle()) energy.idled(monotonicMs());
  }, IDLE_LOOK_MS).unref();
}

/**
 * Serves until a signal or until the model turns out not to load. Resolves to the exit code.
 * @param warnings what was found in the environment and is not a mistake for certain
 * @throws ModelError before anything is opened when the model's path leads nowhere
 */
export async function serve(
  { config, settings, version }: ServerConfiguration,
  warnings: readonly string[],
): Promise<number> {
  if (config.modelsFile === undefined) checkModelFile(config.modelName);
  const log = createLog({ level: config.logLevel, format: config.logFormat });
  for (const warning of warnings) log.warn(warning);
  const metrics = new Metrics();
  metrics.built({ version, node: process.versions.node, llama_cpp: LLAMA_RELEASE });
  const store = new Store({
    dataDir: config.dataDir,
    databaseUrl: config.databaseUrl,
    poolSize: config.databasePoolSize,
    log,
    onQuery: (ms, outcome) => metrics.storeQueried(ms, outcome),
  });
  metrics.watchStore(() => store.status.state === "open");
  const ledger =
    config.ledgerDays === 0
      ? undefined
      : new Ledger({ directory: join(config.dataDir, "ledger"), store, days: config.ledgerDays, log });
  const exporter = createExporter(config, version, log);
  const redis =
    config.redisUrl === undefined
      ? undefined
      : new RedisConnection({ url: config.redisUrl, commandTimeoutMs: config.redisTimeoutMs, log });
  const caches = new Caches({ memoryBytes: config.cacheMemory, redis, observer: metrics });
  const randomSeed = () => randomInt(2 ** 32);
  const constraints = new ConstraintCompiler();
  const steps = new StepRing();
  const receipts = new Receipts();
  const contents = new Contents({
    directory: join(config.dataDir, "ledger"),
    policy: config.ledgerDays === 0 ? "off" : config.ledgerContent,
    days: config.ledgerContentDays,
    log,
  });
  const counter = PowercapCounter.open(config.energyPowercapDir);
  const energy = counter instanceof PowercapCounter ? new EnergyAccount(counter, monotonicMs()) : undefined;
  const flights = new FlightRecorder({
    directory: join(config.dataDir, "flights"),
    steps,
    slowMs: config.timelineKeepSlowerMs,
    toWallMs: wallMs,
    log,
  });
  const keptAnswers = new KeptAnswers();
  const models = createModels(config, {
    log,
    metrics,
    steps,
    flights,
    energy,
    randomSeed,
    constraints,
    wrap: (engine) => {
      const observed = answering(new ObservedEngine(engine, metrics), caches, config.responseCacheTtl);
      return new AccountedEngine(new LanedEngine(observed));
    },
  });
  const energyMeter = new EnergyMeter({
    account: energy,
    reason: counter instanceof PowercapCounter ? undefined : counter.reason,
    pricePerKwh: config.pricePerKwh,
    machinePricePerHour: config.machinePricePerHour,
    busyMs: () => addStats(models.all.map(({ engine }) => engine.stats)).stepMs,
    clock: monotonicMs,
  });
  countIdleEnergy(energy, models);
  const leaving = new AbortController();
  const stopping = new AbortController();
  const context = { config, metrics, log, signal: stopping.signal };
  const embeddings = new DeferredEmbedder();
  const embedder = new ObservedEmbedder(new CachedEmbedder(embeddings, caches.named("embeddings")), metrics);
  const reranker = new DeferredReranker();
  const judgeEngine = new EngineSlot();
  const judgeModel = createJudge(config, new AccountedEngine(judgeEngine));
  const app = await createApp(config, {
    models: { served: models, judge: judgeModel, embedder, reranker, constraints, randomSeed },
    platform: { store, caches, redis },
    telemetry: {
      metrics,
      steps,
      receipts,
      contents,
      flights,
      energy,
      energyMeter,
      keptAnswers,
      recorders: [ledger, exporter, receipts, contents, flights, energyMeter, keptAnswers].filter(
        (each) => each !== undefined,
      ),
      ledger,
      log,
    },
    leaving: leaving.signal,
    stopping: stopping.signal,
    settings,
    version,
  });
  const signal = firstSignal();

  warnAboutOpenDoors(config, log);
  const address = await listen(app, config.host, config.port, "PORT");
  // Not before: while the server is put together this process is too busy to tell a slow Redis from a fast one.
  redis?.start();
  log.info(`the console is at ${address}/console/, the API is documented at ${address}/docs`);
  const metricsApp = await serveMetrics(config, metrics, log);

  void startEmbedder(embeddings, context);
  void startReranker(reranker, context);
  void startJudge(judgeEngine, context);
  const starting = models.start().then(
    () => {
      constraints.start();
      return signal;
    },
    (error: unknown) => error,
  );
  const reason = await Promise.race([signal, starting]);
  leaving.abort();
  const failed = reason instanceof Error;
  if (failed) log.fatal(reason.message);
  else await letBalancersNotice(config, reason, log);
  stopping.abort();
  const timeoutMs = failed ? 0 : config.shutdownTimeoutMs;
  const running = [models, judgeModel, embedder, reranker];
  await Promise.all(running.map((each) => each?.close(timeoutMs)));
  await Promise.all([app, metricsApp].map((server) => server && closeServer(server)));
  await exporter?.close();
  await ledger?.close();
  await store.close();
  await redis?.close();
  log.info("stopped");
  return failed ? 1 : 0;
}

/** The engine, with answers kept where that is asked for; an answer from the cache is not a generation, and not counted as one. */
function answering(engine: Engine, caches: Caches, ttlSeconds: number): Engine {
  if (ttlSeconds === 0) return engine;
  return new CachedEngine(engine, { cache: caches.named("responses"), ttlMs: ttlSeconds * 1000 });
}

/** Serves on for a while, though no longer ready, and says how to end at once. */
async function letBalancersNotice(
  { shutdownDelayMs, shutdownTimeoutMs }: Config,
  reason: unknown,
  log: Logger,
): Promise<void> {
  if (shutdownDelayMs > 0) {
    log.info(`${String(reason)}: not ready any more, requests are served for another ${shutdownDelayMs} ms`);
    await delay(shutdownDelayMs);
  }
  log.info(
    `${String(reason)}: draining, running requests have ${shutdownTimeoutMs} ms; a second signal ends them at once`,
  );
}

/** Answers that are ready get out; a client that has stopped reading or sending holds nothing up. */
async function closeServer(server: Server): Promise<void> {
  const cut = setTimeout(() => server.server.closeAllConnections(), CLOSE_GRACE_MS);
  await server.close();
  clearTimeout(cut);
}

/**
 * @param variable what sets the port
 * @throws Error that says what is in the way of listening and what to do about it
 */
async function listen(app: Server, host: string, port: number, variable: string): Promise<string> {
  try {
    return await app.listen({ host, port, listenTextResolver: (address) => `listening on ${address}` });
  } catch (error) {
    await app.close();
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "EADDRINUSE") {
      throw new Error(`Port ${port} on ${host} is in use. Stop what listens there, or set ${variable}.`, {
        cause: error,
      });
    }
    if (code === "EACCES")
      throw new Error(`Not allowed to listen on port ${port}. Set ${variable} above 1023.`, { cause: error });
    throw new Error(`Cannot listen on ${host}:${port}: ${message}`, { cause: error });
  }
}

function createExporter(
  { otlpEndpoint: endpoint, otlpHeaders: headers, otelServiceName: serviceName }: Config,
  version: string,
  log: Logger,
): SpanExporter | undefined {
  return endpoint === undefined
    ? undefined
    : new SpanExporter({ endpoint, headers, serviceName, version, log });
}

/** The metrics once more, without a key, on a port of their own. */
async function serveMetrics(config: Config, metrics: Metrics, log: Logger): Promise<Server | undefined> {
  if (config.metricsPort === undefined) return undefined;
  const app = await createServer({ ...config, rateLimit: 0, maxConcurrentPerKey: 0 }, log, metrics);
  await app.register(metricsRoutes(metrics, "/metrics", "public"));
  const address = await listen(app, config.host, config.metricsPort, "METRICS_PORT");
  log.info(`metrics on ${address}/metrics`);
  return app;
}

function warnAboutOpenDoors(config: Config, log: Logger): void {
  if (config.apiKey !== DEFAULT_API_KEY) return;
  if (config.corsOrigin === "*")
    log.warn(
      "CORS_ORIGIN=* WITH THE DEFAULT API KEY: any web page can use /v1. Set API_KEY to a secret of your own.",
    );
  if (isLoopback(config.host)) return;
  log.warn(
    `LISTENING ON ${config.host} WITH THE DEFAULT API KEY: anyone who reaches this port can use /v1. Set API_KEY to a secret of your own.`,
  );
}

/** Resolves with the first SIGTERM or SIGINT; a second one ends the process at once. */
function firstSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let received = 0;
    for (const name of ["SIGTERM", "SIGINT"] as const) {
      process.on(name, () => {
        received++;
        if (received > 1) process.exit(130);
        resolve(name);
      });
    }
  });
}
