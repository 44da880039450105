import { setTimeout as delay } from "node:timers/promises";
import { casesOf, medianOf, ratioOf, referenceOf, sidesOf } from "../report/comparison.ts";
import type { Chart, Check, Measurement } from "../report/report.ts";
import type { RunningServer, Side } from "../servers/server.ts";
import type { BenchContext } from "./bench-context.ts";

/** Every side in turn, round after round: what drifts on the machine drifts for all. */
export async function alternate(
  context: BenchContext,
  defaultRounds: number,
  turn: (side: Side, round: number) => Promise<readonly Measurement[]>,
): Promise<readonly Measurement[]> {
  const measurements: Measurement[] = [];
  for (let round = 1; round <= (context.options.rounds ?? defaultRounds); round++) {
    for (const side of context.sides) measurements.push(...(await turn(side, round)));
  }
  return measurements;
}

/** Pause before a turn: threads of the other side's may still spin, and looks at the machine still see it at work. */
const PAUSE_MS = 1_000;

/**
 * Starts every side's server, and puts them under load in turn, round after round, the order turned about each time. An
 * idle server costs next to nothing; what a busy neighbour takes of the machine changes within seconds, and falls on both
 * sides alike only where turns are short.
 */
export async function interleave<Started>(
  context: BenchContext,
  defaultRounds: number,
  sides: readonly Started[],
  start: (side: Started) => Promise<RunningServer>,
  turn: (server: RunningServer, side: Started, round: number) => Promise<Measurement>,
): Promise<readonly Measurement[]> {
  await using servers = new AsyncDisposableStack();
  const started: (readonly [RunningServer, Started])[] = [];
  for (const side of sides) started.push([servers.use(await start(side)), side]);
  const measurements: Measurement[] = [];
  for (let round = 1; round <= (context.options.rounds ?? defaultRounds); round++) {
    for (const [server, side] of round % 2 === 1 ? started : started.toReversed()) {
      await delay(PAUSE_MS);
      measurements.push(await turn(server, side, round));
    }
  }
  return measurements;
}

/** Least ratio to a baseline: what remains of 1 on a noisy machine. */
const KEPT = 0.98;

/** A bar on the median ratio ours / peer; against a baseline, that nothing was lost. Nothing when ours was measured alone. */
export function ratioCheck(
  measurements: readonly Measurement[],
  name: string,
  figure: string,
  peerBar: { readonly atLeast: number } | { readonly atMost: number },
): readonly Check[] {
  const reference = referenceOf(measurements);
  const spread = ratioOf(measurements, name, figure);
  if (spread === undefined) return [];
  const { median, min, max } = spread;
  const keptBar = "atLeast" in peerBar ? { atLeast: KEPT } : { atMost: 1 / KEPT };
  const bar = reference === "baseline" ? keptBar : peerBar;
  const isMet = "atLeast" in bar ? median >= bar.atLeast : median <= bar.atMost;
  return [
    {
      what: `${figure}, ${name}, ours / ${reference}`,
      measured: `${median.toFixed(3)} (${min.toFixed(3)} – ${max.toFixed(3)})`,
      bar: "atLeast" in bar ? `≥ ${bar.atLeast}` : `≤ ${bar.atMost.toFixed(2)}`,
      isMet,
    },
  ];
}

/** A figure against the number in the case's name, such as the concurrency. */
export function chartByCase(measurements: readonly Measurement[], figure: string, yLabel: string): Chart {
  const lines = sidesOf(measurements).map((side) => ({
    label: side,
    points: casesOf(measurements).flatMap((name): [number, number][] => {
      const value = medianOf(measurements, name, side, figure);
      return value === undefined ? [] : [[Number(/\d+/.exec(name)?.[0] ?? 0), value]];
    }),
  }));
  return { name: figure, title: yLabel, xLabel: "requests at once", yLabel, lines };
}
