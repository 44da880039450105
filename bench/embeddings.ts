/**
 * What embedding costs: milliseconds per text, alone and in batches, short and as long as the model takes, through the
 * embedder's own process. `npm run bench:embeddings -- [model.gguf]`; THREADS as for the server.
 */
import { readFileSync } from "node:fs";
import { pino } from "pino";
import { EmbeddingEngine } from "../src/inference/embedding/engine.ts";
import type { EmbeddingOptions } from "../src/inference/embedding/protocol.ts";

const path = process.argv[2];
const network: EmbeddingOptions["network"] =
  path === undefined
    ? { kind: "sentence-encoder" }
    : { kind: "gguf", path, task: "embed", contextSize: 0, gpuLayers: 0 };
const engine = new EmbeddingEngine({
  load: { network, libraryDirectory: undefined, threads: Number(process.env["THREADS"] ?? 0) },
  maxQueue: 1_000_000,
  hangTimeoutMs: 60_000,
  log: pino({ level: "silent" }),
});

const startedAt = performance.now();
const { maxTokens, dimensions } = await engine.start();
console.log(
  `loaded in ${Math.round(performance.now() - startedAt)} ms, process start included; ${dimensions} dimensions`,
);

const short = (index: number) => `How do I rotate the API keys of account ${1000 + index} by myself?`;
const words =
  "the quick brown fox jumps over a lazy dog and runs far into the dark wood near our old house".split(" ");
/** About as long as the model takes, every one different. */
async function longTexts(count: number): Promise<string[]> {
  let length = maxTokens;
  const text = (index: number) =>
    Array.from({ length }, (_, i) => words[(index * 7 + i * (1 + (index % 3))) % words.length]).join(" ");
  while (Math.max(...(await engine.countTokens(Array.from({ length: 20 }, (_, i) => text(i))))) > maxTokens)
    length--;
  return Array.from({ length: count }, (_, index) => text(index));
}

/** Enough for a stable figure. */
const MEASURE_MS = 5_000;

async function measure(name: string, texts: readonly string[], batch: number): Promise<void> {
  await engine.embed(texts.slice(0, batch));
  let tokens = 0;
  let done = 0;
  const from = performance.now();
  for (let start = 0; start < texts.length && performance.now() - from < MEASURE_MS; start += batch) {
    const answer = await engine.embed(texts.slice(start, start + batch));
    done += answer.tokens.length;
    tokens += answer.tokens.reduce((sum, count) => sum + count, 0);
  }
  const ms = performance.now() - from;
  console.log(
    `${name}, ${(tokens / done).toFixed(0)} tokens, ${batch} at once: ${(ms / done).toFixed(2)} ms per text, ` +
      `${Math.round((tokens / ms) * 1000)} tokens/s`,
  );
}

const shortTexts = Array.from({ length: 1024 }, (_, index) => short(index));
await measure("short", shortTexts.slice(0, 300), 1);
for (const batch of [8, 64, 512]) await measure("short", shortTexts, batch);
const long = await longTexts(128);
await measure("long", long, 1);
await measure("long", long, 64);
const resident = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${engine.pid}/status`, "utf8"))?.[1];
console.log(`resident memory of the embedding process: ${Math.round(Number(resident) / 1024)} MiB`);
await engine.close(0);
