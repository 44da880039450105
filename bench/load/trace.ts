import { readFileSync } from "node:fs";
import { SeededRandom } from "./random.ts";
import { type GenerationRequest, words } from "./workload.ts";

/** A request of a recorded service, lengths scaled down. */
export interface TraceEntry {
  readonly atMs: number;
  readonly promptTokens: number;
  readonly newTokens: number;
  /** Names of the prompt's blocks of `BLOCK_TOKENS`: the same name is the same text. Empty where the trace has none. */
  readonly blocks: readonly number[];
}

/** What lengths are divided by: a small model on few cores does about that much less than the services recorded. */
const AZURE_SCALE = 8;
const MOONCAKE_SCALE = 16;
/** Mooncake's blocks have 512 tokens. */
const BLOCK_TOKENS = 512 / MOONCAKE_SCALE;

/**
 * Reads a trace: Azure's CSV (`TIMESTAMP,ContextTokens,GeneratedTokens`) or Mooncake's JSON lines (`timestamp`,
 * `input_length`, `output_length`, `hash_ids`). Requests that would not fit into `contextTokens` are left out.
 */
export function readTrace(path: string, contextTokens: number): TraceEntry[] {
  const lines = readFileSync(path, "utf8").trim().split(/\r?\n/);
  const entries = path.endsWith(".csv") ? lines.slice(1).map(azureEntry) : lines.map(mooncakeEntry);
  const fitting = entries.filter(({ promptTokens, newTokens }) => promptTokens + newTokens <= contextTokens);
  if (fitting.length === 0) throw new Error(`${path} has no request that fits into ${contextTokens} tokens`);
  const first = Math.min(...fitting.map(({ atMs }) => atMs));
  return fitting.map((entry) => ({ ...entry, atMs: entry.atMs - first })).toSorted((a, b) => a.atMs - b.atMs);
}

function azureEntry(line: string): TraceEntry {
  const [time = "", prompt = "", answer = ""] = line.split(",");
  // Seven digits of a second's fraction, and no time zone.
  const atMs = Date.parse(`${time.slice(0, 23).replace(" ", "T")}Z`);
  return {
    atMs,
    promptTokens: Math.max(1, Math.round(Number(prompt) / AZURE_SCALE)),
    newTokens: Math.max(1, Math.round(Number(answer) / AZURE_SCALE)),
    blocks: [],
  };
}

function mooncakeEntry(line: string): TraceEntry {
  const { timestamp, input_length, output_length, hash_ids } = JSON.parse(line) as {
    timestamp: number;
    input_length: number;
    output_length: number;
    hash_ids: number[];
  };
  return {
    atMs: timestamp,
    promptTokens: Math.max(1, Math.round(input_length / MOONCAKE_SCALE)),
    newTokens: Math.max(1, Math.round(output_length / MOONCAKE_SCALE)),
    blocks: hash_ids,
  };
}

/** The request that an entry stands for; `index` makes the text of what no block names its own. */
export function requestOf(entry: TraceEntry, index: number, seed: number): GenerationRequest {
  const blocks = entry.blocks
    .slice(0, Math.floor(entry.promptTokens / BLOCK_TOKENS))
    .map((block) => words(BLOCK_TOKENS, new SeededRandom(seed + 7919 * block)));
  const rest = entry.promptTokens - blocks.length * BLOCK_TOKENS;
  return {
    prompt: blocks.join("") + words(Math.max(1, rest), new SeededRandom(seed ^ (0x9e3779b9 * (index + 1)))),
    newTokens: entry.newTokens,
  };
}

/** Arrivals in milliseconds, stretched to come at `perSecond` on average; bursts stay bursts. */
export function arrivalsAt(entries: readonly TraceEntry[], perSecond: number): number[] {
  const last = entries.at(-1)?.atMs ?? 0;
  const stretch = last === 0 ? 0 : (1000 * entries.length) / perSecond / last;
  return entries.map(({ atMs }) => atMs * stretch);
}
