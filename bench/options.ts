import { parseArgs } from "node:util";
import type { ServiceLevel } from "./report/summary.ts";

/** The command line of the benchmark. Undefined means: the scenario's own default. */
export interface Options {
  readonly isHelp: boolean;
  readonly scenario: string;
  readonly model: string | undefined;
  readonly rounds: number | undefined;
  readonly requests: number | undefined;
  readonly durationSeconds: number | undefined;
  readonly concurrency: readonly number[] | undefined;
  readonly seed: number;
  /** 0: our server follows the machine, the peer takes one per core. */
  readonly threads: number;
  /** `match`: as many as the load has clients; 0: each server's own default; else this many. Undefined: the scenario's. */
  readonly sequences: number | "match" | undefined;
  readonly contextSize: number;
  readonly promptTokens: string | undefined;
  readonly newTokens: string | undefined;
  readonly side: "ours" | "peer" | "both";
  readonly route: "chat" | "openai";
  /** Off shows what our server does without prompt lookup. */
  readonly speculation: "auto" | "off";
  /** `KV_LAYOUT` of our server; undefined leaves it its default. */
  readonly kvLayout: "auto" | "separate" | "shared" | undefined;
  /** A checkout to measure against instead of the peer. */
  readonly baseline: string | undefined;
  readonly isPeerLean: boolean;
  readonly level: ServiceLevel;
  /** A recorded trace to replay. */
  readonly trace: string | undefined;
  readonly output: string | undefined;
}

const flags = {
  model: { type: "string" },
  rounds: { type: "string" },
  requests: { type: "string" },
  duration: { type: "string" },
  concurrency: { type: "string" },
  seed: { type: "string", default: "1" },
  threads: { type: "string", default: "0" },
  sequences: { type: "string" },
  context: { type: "string", default: "1024" },
  "prompt-tokens": { type: "string" },
  "new-tokens": { type: "string" },
  side: { type: "string", default: "both" },
  route: { type: "string", default: "chat" },
  speculation: { type: "string", default: "auto" },
  "kv-layout": { type: "string" },
  baseline: { type: "string" },
  "lean-peer": { type: "boolean", default: false },
  "slo-first-token": { type: "string", default: "2000" },
  "slo-token": { type: "string", default: "200" },
  trace: { type: "string" },
  output: { type: "string" },
  help: { type: "boolean", short: "h", default: false },
} as const;

export const usage = `Usage: npm run bench -- SCENARIO [flags]

Flags, each with the scenario's own default where none is named here: ${Object.keys(flags)
  .map((name) => `--${name}`)
  .join(" ")}. docs/benchmarking.md explains them.`;

/** @throws Error that names the flag and what it takes */
export function parseOptions(args: readonly string[]): Options {
  const { values, positionals } = parseArgs({ args: [...args], options: flags, allowPositionals: true });
  const [scenario = "smoke", ...rest] = positionals;
  if (rest.length > 0) throw new Error(`One scenario at a time, not also ${rest.join(", ")}`);
  const optional = (name: string, text: string | undefined) =>
    text === undefined ? undefined : whole(name, text, 1);
  return {
    isHelp: values.help,
    scenario,
    model: values.model,
    rounds: optional("rounds", values.rounds),
    requests: optional("requests", values.requests),
    durationSeconds: optional("duration", values.duration),
    concurrency: values.concurrency?.split(",").map((text) => whole("concurrency", text, 1)),
    seed: whole("seed", values.seed, 0),
    threads: whole("threads", values.threads, 0),
    sequences:
      values.sequences === undefined || values.sequences === "match"
        ? values.sequences
        : whole("sequences", values.sequences, 0),
    contextSize: whole("context", values.context, 1),
    promptTokens: values["prompt-tokens"],
    newTokens: values["new-tokens"],
    side: oneOf("side", values.side, ["ours", "peer", "both"]),
    route: oneOf("route", values.route, ["chat", "openai"]),
    speculation: oneOf("speculation", values.speculation, ["auto", "off"]),
    kvLayout:
      values["kv-layout"] === undefined
        ? undefined
        : oneOf<"auto" | "separate" | "shared">("kv-layout", values["kv-layout"], [
            "auto",
            "separate",
            "shared",
          ]),
    baseline: values.baseline,
    isPeerLean: values["lean-peer"],
    level: {
      firstTokenMs: whole("slo-first-token", values["slo-first-token"], 1),
      perTokenMs: whole("slo-token", values["slo-token"], 1),
    },
    trace: values.trace,
    output: values.output,
  };
}

function whole(name: string, text: string, min: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min)
    throw new Error(`--${name} takes whole numbers from ${min}, not ${text}`);
  return value;
}

function oneOf<T extends string>(name: string, text: string, allowed: readonly T[]): T {
  const found = allowed.find((choice) => choice === text);
  if (found === undefined) throw new Error(`--${name} takes ${allowed.join(", ")}, not ${text}`);
  return found;
}
