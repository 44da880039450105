import type { Usage } from "../inference/engine.ts";
import type { LatencyPart, LatencyParts } from "./latency-parts.ts";

/** What bounds an answer's latency: the class that most of its parts belong to. */
export const limiterClasses = [
  "client",
  "server",
  "queue",
  "batch_share",
  "prefill_compute",
  "prefill_interference",
  "memory_bandwidth",
  "kv_bandwidth",
  "batch_compute",
  "sampling",
  "processor",
  "other_work",
  "unexplained",
  /** An earlier answer: nothing was computed. */
  "cache",
] as const;
export type LimiterClass = (typeof limiterClasses)[number];

export interface Verdict {
  readonly class: LimiterClass;
  /** Share of the latency, 0 to 1. */
  readonly share: number;
  /** Milliseconds by class, the largest first. */
  readonly classesMs: Readonly<Partial<Record<LimiterClass, number>>>;
  /** In words, with numbers. */
  readonly cause: string;
  /** One setting or habit that would help; null where there is none. */
  readonly lever: string | null;
  /** First-order estimate: the latency without the class's parts would be this much shorter. */
  readonly savesMs: number;
  readonly unexplainedMs: number;
}

type PromptUsage = Pick<Usage, "promptTokens" | "cachedPromptTokens">;

/** A class with less than this share does not bound an answer alone. */
const BOUND_SHARE = 0.5;

const suffixClass: Readonly<Record<string, LimiterClass>> = {
  turn: "prefill_interference",
  weights: "memory_bandwidth",
  own_prefill: "prefill_compute",
  others_prefill: "prefill_interference",
  own_rows: "batch_compute",
  others_rows: "batch_compute",
  own_kv: "kv_bandwidth",
  others_kv: "kv_bandwidth",
  own_sampling: "sampling",
  others_sampling: "sampling",
  processor: "processor",
  unexplained: "unexplained",
  overhead: "server",
};

const partClass: Readonly<Record<string, LimiterClass>> = {
  receive: "client",
  prepare: "server",
  wait_step: "queue",
  wait_sequence: "queue",
  wait_prefix: "queue",
  wait_lane: "batch_share",
  between: "other_work",
  deliver: "server",
  send: "client",
};

export function classOf(part: LatencyPart): LimiterClass {
  const found = partClass[part] ?? suffixClass[part.replace(/^(prefill|decode)_/, "")];
  if (found === undefined) throw new Error(`the latency part ${part} belongs to no class`);
  return found;
}

/** What bounded an answer, how much of it, and what would help. */
export function verdict(parts: LatencyParts, usage: PromptUsage, isCached = false): Verdict {
  const byClass = new Map<LimiterClass, number>();
  for (const [part, ms] of Object.entries(parts) as Array<[LatencyPart, number]>)
    byClass.set(classOf(part), (byClass.get(classOf(part)) ?? 0) + ms);
  const ranked = [...byClass].toSorted(([, a], [, b]) => b - a);
  const totalMs = ranked.reduce((sum, [, ms]) => sum + ms, 0);
  const unexplainedMs = byClass.get("unexplained") ?? 0;
  const classesMs = Object.fromEntries(ranked);
  const [first = ["server", 0] as const, second] = ranked;
  if (isCached) {
    const cause = "An earlier answer to the same request; nothing was computed.";
    return { class: "cache", share: 1, classesMs, cause, lever: null, savesMs: 0, unexplainedMs };
  }
  const [name, ms] = first;
  const share = totalMs > 0 ? ms / totalMs : 0;
  const others =
    share < BOUND_SHARE && second !== undefined
      ? `, then ${labels[second[0]]} with ${percent(second[1] / totalMs)}`
      : "";
  return {
    class: name,
    share,
    classesMs,
    cause: `${percent(share)} of ${Math.round(totalMs)} ms: ${labels[name]}${others}.`,
    lever: lever(name, parts, usage),
    savesMs: ms,
    unexplainedMs,
  };
}

/** What each class is, as it stands in a sentence. */
export const labels: Readonly<Record<LimiterClass, string>> = {
  client: "waiting for the client to send or to read",
  server: "the server's own work around the computation",
  queue: "waiting in the queue",
  batch_share: "batch work held back for interactive requests",
  prefill_compute: "computing its own prompt",
  prefill_interference: "computing the prompts of other requests",
  memory_bandwidth: "reading the weights, once per step",
  kv_bandwidth: "reading the keys and values of the context",
  batch_compute: "computing the rows of the batch",
  sampling: "choosing tokens",
  processor: "waiting for processors that other processes used",
  other_work: "work outside the engine: retrieval, embeddings, another server",
  unexplained: "steps that took longer than steps of their size do",
  cache: "an earlier answer",
};

function lever(
  name: LimiterClass,
  parts: LatencyParts,
  { promptTokens, cachedPromptTokens }: PromptUsage,
): string | null {
  switch (name) {
    case "client":
      return (parts.send ?? 0) > (parts.receive ?? 0)
        ? "The client reads slower than the server writes."
        : "The client sends its request slowly.";
    case "queue":
      if ((parts.wait_prefix ?? 0) > (parts.wait_sequence ?? 0))
        return `It waited for a prefix that another request computed, and took over ${cachedPromptTokens} of its ${promptTokens} tokens.`;
      return "All sequences were in use: raise MAX_SEQUENCES if memory allows, or send fewer requests at once.";
    case "batch_share":
      return "Nothing to set: batch work gives way while interactive requests run.";
    case "prefill_compute":
      return cachedPromptTokens === 0
        ? `None of its ${promptTokens} prompt tokens were cached: put what changes last, or pin the prefix (PINNED_PREFIXES).`
        : `${promptTokens - cachedPromptTokens} of its ${promptTokens} prompt tokens were computed: shorten what comes after the shared prefix.`;
    case "prefill_interference":
      return "Other prompts were computed beside it: lower STEP_TARGET_MS to give running answers more of each step.";
    case "memory_bandwidth":
      return "Each step reads all weights: a smaller quantization (MODEL_QUANT), or more requests at once to share the step.";
    case "kv_bandwidth":
      return "Long contexts are read for every token: shorten them; what many have in common at their beginning is read once (KV_LAYOUT=auto).";
    case "batch_compute":
      return "The batch is full of rows: fewer requests at once, more cores (THREADS), or a smaller model.";
    case "sampling":
      return "Choosing tokens took this long: simplify the schema or grammar, or ask for fewer log-probabilities.";
    case "processor":
      return "Other processes used the processors: move them elsewhere, or set THREADS to what they leave.";
    case "unexplained":
      return "Steps took longer than their size and the processors explain: compare with the machine's memory traffic and clock.";
    case "other_work":
    case "server":
    case "cache":
      return null;
    default:
      return name satisfies never;
  }
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}
