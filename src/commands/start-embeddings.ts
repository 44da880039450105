import type { Logger } from "pino";
import type { Config } from "../config/config.ts";
import type { DeferredEmbedder } from "../inference/embedding/deferred-embedder.ts";
import type { DeferredReranker } from "../inference/embedding/deferred-reranker.ts";
import { EmbeddingEngine } from "../inference/embedding/engine.ts";
import { LocalEmbedder } from "../inference/embedding/local-embedder.ts";
import { LocalReranker } from "../inference/embedding/local-reranker.ts";
import { profileOf, repositoryOf } from "../inference/embedding/profiles.ts";
import type { EmbeddingOptions, LoadedEmbedder } from "../inference/embedding/protocol.ts";
import { universalSentenceEncoder } from "../inference/embedding/universal-sentence-encoder.ts";
import { resolveModel } from "../models/resolve.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { resolveOptions } from "./resolve-options.ts";

export interface StartContext {
  readonly config: Config;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/**
 * Lets `deferred` become the configured embedding model: the installed one at once, whose process starts when it is
 * first used, another one when it is found and loaded. The server serves its other routes meanwhile, and also when
 * that fails.
 */
export async function startEmbedder(deferred: DeferredEmbedder, context: StartContext): Promise<void> {
  const { config, metrics } = context;
  if (config.embeddingModel === undefined) {
    const engine = createEngine({ kind: "sentence-encoder" }, context);
    metrics.watchEmbeddings(engine);
    deferred.become(new LocalEmbedder(engine, universalSentenceEncoder));
    return;
  }
  try {
    const { name, path } = await findModel(config.embeddingModel, context);
    const engine = ggufEngine(path, "embed", context);
    metrics.watchEmbeddings(engine);
    const { space, dimensions, maxTokens } = await load(engine, context.signal);
    const profile = profileOf([config.embeddingModel, name]);
    const prefixes = Object.values(profile.prefixes ?? {});
    const prefixTokens = prefixes.length === 0 ? [0] : await engine.countTokens(prefixes);
    deferred.become(
      new LocalEmbedder(engine, {
        id: `${space}/${prefixes.join("|")}`,
        model: name,
        dimensions,
        maxTokens: maxTokens - Math.max(...prefixTokens),
        profile,
      }),
    );
  } catch (error) {
    failed(deferred, "EMBEDDING_MODEL", error as Error, context);
  }
}

/** The same for the configured reranker, when there is one. */
export async function startReranker(deferred: DeferredReranker, context: StartContext): Promise<void> {
  const { config } = context;
  if (config.rerankModel === undefined) return;
  deferred.loading();
  try {
    const { name, path } = await findModel(config.rerankModel, context);
    const engine = ggufEngine(path, "rank", context);
    const { maxTokens } = await load(engine, context.signal);
    deferred.become(new LocalReranker(engine, name, maxTokens));
  } catch (error) {
    failed(deferred, "RERANK_MODEL", error as Error, context);
  }
}

function failed(
  deferred: DeferredEmbedder | DeferredReranker,
  setting: string,
  { message }: Error,
  { log, signal }: StartContext,
): void {
  deferred.failed(message);
  if (!signal.aborted) log.error(`${setting}: ${message}`);
}

/** Waits for the model; a server that stops meanwhile does not. */
async function load(engine: EmbeddingEngine, signal: AbortSignal): Promise<LoadedEmbedder> {
  const stop = () => void engine.close(0);
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await engine.start();
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function findModel(name: string, { config, log, signal }: StartContext) {
  log.info(`looking for ${name}`);
  return resolveModel(repositoryOf(name), { ...resolveOptions(config), signal });
}

function ggufEngine(path: string, task: "embed" | "rank", context: StartContext): EmbeddingEngine {
  const { embeddingContextSize: contextSize, gpuLayers } = context.config;
  return createEngine({ kind: "gguf", path, task, contextSize, gpuLayers }, context);
}

function createEngine(network: EmbeddingOptions["network"], { config, log }: StartContext): EmbeddingEngine {
  return new EmbeddingEngine({
    load: { network, libraryDirectory: config.llamaLibraryDir, threads: config.threads },
    maxQueue: config.embeddingMaxQueue,
    hangTimeoutMs: config.watchdogTimeoutMs,
    log,
  });
}
