import { parseDistribution } from "../load/distribution.ts";
import { runSteady } from "../load/steady-loop.ts";
import { makeWorkload } from "../load/workload.ts";
import { medianOf } from "../report/comparison.ts";
import type { Check, Measurement } from "../report/report.ts";
import { median } from "../report/statistics.ts";
import type { RunningServer, Side } from "../servers/server.ts";
import { interleave, ratioCheck } from "./alternation.ts";
import type { BenchContext } from "./bench-context.ts";
import type { Scenario } from "./scenario.ts";

/** What our server makes by itself of a small model, and as many slots of the peer. */
const SEQUENCES = 64;
/** More than any server here answers in the time. */
const REQUESTS_PER_SECOND = 60;
const FULL = "ours, sequences = clients";

/** Fewer users than sequences: does a step stay one pass over the weights? */
export const halfEmpty: Scenario = {
  summary: "100 prompt + 30–210 new tokens, all different, 64 sequences, C = 2, 8, 20, steady state",
  defaultModel: "distilgpt2",
  async run(context) {
    const levels = context.options.concurrency ?? [2, 8, 20];
    const { sides } = context;
    const contestants: readonly Contestant[] = [
      ...sides.map((side) => ({ side, label: side, sequences: SEQUENCES })),
      ...(sides.includes("ours") ? [{ side: "ours" as const, label: FULL, sequences: undefined }] : []),
    ];
    const measurements: Measurement[] = [];
    for (const level of levels) {
      const start = ({ side, sequences = level }: Contestant) =>
        context.start(side, { clients: level, sequences });
      const turn = (server: RunningServer, { label }: Contestant, round: number) =>
        measureSteady(context, server, { label, level, round });
      measurements.push(...(await interleave(context, 5, contestants, start, turn)));
    }
    return {
      measurements,
      checks: levels.flatMap((level) => [
        ...ratioCheck(measurements, nameOf(level), "steadyTokensPerSecond", { atLeast: 1.25 }),
        ...ownChecks(measurements, nameOf(level)),
      ]),
      charts: [],
      notes: [
        "steadyTokensPerSecond: tokens generated per second from a fifth of the duration to its end, when every client has a request under way; " +
          "passesPerStep: passes over the weights of a step that computes no prompt.",
      ],
    };
  },
};

interface Contestant {
  readonly side: Side;
  readonly label: string;
  /** Undefined is as many as clients. */
  readonly sequences: number | undefined;
}

async function measureSteady(
  context: BenchContext,
  server: RunningServer,
  { label, level, round }: { readonly label: string; readonly level: number; readonly round: number },
) {
  const { options } = context;
  const seconds = options.durationSeconds ?? 8;
  const workload = makeWorkload({
    requests: Math.ceil(REQUESTS_PER_SECOND * seconds),
    promptTokens: parseDistribution(options.promptTokens ?? "100"),
    newTokens: parseDistribution(options.newTokens ?? "30-210"),
    seed: options.seed + 100 * round + level,
  });
  let steadyTokensPerSecond = Number.NaN;
  const { measurement } = await context.measure(
    server,
    { case: nameOf(level), round, side: label },
    async (client) => {
      const load = await runSteady(client, workload.values(), {
        concurrency: level,
        durationMs: 1000 * seconds,
        signal: context.signal,
      });
      steadyTokensPerSecond = load.steadyTokensPerSecond;
      return load;
    },
  );
  return { ...measurement, figures: { ...measurement.figures, steadyTokensPerSecond } };
}

function nameOf(level: number): string {
  return `C=${level}`;
}

/** Against our own server when it has a sequence for each client and no more. */
function ownChecks(measurements: readonly Measurement[], name: string): readonly Check[] {
  const rate = (round: number, side: string) =>
    measurements.find((each) => each.case === name && each.side === side && each.round === round)?.figures[
      "steadyTokensPerSecond"
    ] ?? Number.NaN;
  const rounds = [...new Set(measurements.map(({ round }) => round))];
  const share = median(rounds.map((round) => rate(round, "ours") / rate(round, FULL)));
  const passes = medianOf(measurements, name, "ours", "passesPerStep");
  if (passes === undefined) return [];
  return [
    {
      what: `steadyTokensPerSecond, ${name}, ${SEQUENCES} sequences / sequences = clients`,
      measured: share.toFixed(3),
      bar: "≥ 0.95",
      isMet: share >= 0.95,
    },
    {
      what: `passes per step, ${name}`,
      measured: passes.toFixed(3),
      bar: "≤ 1.1",
      isMet: passes <= 1.1,
    },
  ];
}
