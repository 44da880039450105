import { casesOf, medianOf, ratioOf, sidesOf } from "../report/comparison.ts";
import type { Chart, Check, Measurement } from "../report/report.ts";
import type { Side } from "../servers/server.ts";
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

/** A bar on the median ratio ours / peer. Nothing when the peer was not measured. */
export function ratioCheck(
  measurements: readonly Measurement[],
  name: string,
  figure: string,
  bar: { readonly atLeast: number } | { readonly atMost: number },
): readonly Check[] {
  const spread = ratioOf(measurements, name, figure);
  if (spread === undefined) return [];
  const { median, min, max } = spread;
  const isMet = "atLeast" in bar ? median >= bar.atLeast : median <= bar.atMost;
  return [
    {
      what: `${figure}, ${name}, ours / peer`,
      measured: `${median.toFixed(3)} (${min.toFixed(3)} – ${max.toFixed(3)})`,
      bar: "atLeast" in bar ? `≥ ${bar.atLeast}` : `≤ ${bar.atMost}`,
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
