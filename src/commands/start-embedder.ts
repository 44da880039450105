import type { Logger } from "pino";
import type { Config } from "../config/config.ts";
import type { Embedder } from "../embeddings/embedder.ts";
import { LocalEmbedder } from "../embeddings/local-embedder.ts";
import { EmbeddingEngine } from "../inference/embedding/engine.ts";
import { universalSentenceEncoder } from "../inference/embedding/universal-sentence-encoder.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { ObservedEmbedder } from "../telemetry/observed-embedder.ts";

/** The configured embedding model. Its process starts when it is first used. */
export function createEmbedder(config: Config, metrics: Metrics, log: Logger): Embedder {
  const engine = new EmbeddingEngine({
    load: { libraryDirectory: config.llamaLibraryDir, threads: config.threads },
    maxQueue: config.embeddingMaxQueue,
    hangTimeoutMs: config.watchdogTimeoutMs,
    log,
  });
  metrics.watchEmbeddings(engine);
  return new ObservedEmbedder(new LocalEmbedder(engine, universalSentenceEncoder), metrics);
}
