import { pino } from "pino";
import { EmbeddingEngine } from "../../src/inference/embedding/engine.ts";
import { LocalEmbedder } from "../../src/inference/embedding/local-embedder.ts";
import { universalSentenceEncoder } from "../../src/inference/embedding/universal-sentence-encoder.ts";

/** The embedder that is installed with the server, in its real process; the test closes it. */
export function installedEmbedder(): LocalEmbedder {
  const engine = new EmbeddingEngine({
    load: { network: { kind: "sentence-encoder" }, libraryDirectory: undefined, threads: 1 },
    maxQueue: 16_384,
    hangTimeoutMs: 30_000,
    log: pino({ level: "silent" }),
  });
  return new LocalEmbedder(engine, universalSentenceEncoder);
}
