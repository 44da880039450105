import type { Logger } from "pino";
import type { Caches } from "../cache/caches.ts";
import type { Config } from "../config/config.ts";
import { CachedEmbedder } from "../embeddings/cached-embedder.ts";
import type { Embedder } from "../embeddings/embedder.ts";
import { LocalEmbedder } from "../embeddings/local-embedder.ts";
import { EmbeddingEngine } from "../inference/embedding/engine.ts";
import { universalSentenceEncoder } from "../inference/embedding/universal-sentence-encoder.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { ObservedEmbedder } from "../telemetry/observed-embedder.ts";

/** The configured embedding model. Its process starts when it is first used. */
export function createEmbedder(config: Config, caches: Caches, metrics: Metrics, log: Logger): Embedder {
  const engine = new EmbeddingEngine({
    load: {
      network: { kind: "sentence-encoder" },
      libraryDirectory: config.llamaLibraryDir,
      threads: config.threads,
    },
    maxQueue: config.embeddingMaxQueue,
    hangTimeoutMs: config.watchdogTimeoutMs,
    log,
  });
  metrics.watchEmbeddings(engine);
  const local = new LocalEmbedder(engine, universalSentenceEncoder);
  return new ObservedEmbedder(new CachedEmbedder(local, caches.named("embeddings")), metrics);
}
