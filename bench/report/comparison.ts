import type { Measurement } from "./report.ts";
import { median, type Spread, spreadOf } from "./statistics.ts";

/** What our figures are divided by, whichever was measured. */
const references = ["baseline", "peer"];

/** One figure of ours over the reference's, round by round: what a noisy machine leaves comparable. */
export interface Ratio {
  readonly case: string;
  readonly figure: string;
  readonly spread: Spread;
}

export const comparedFigures = [
  "tokensPerSecond",
  "requestsPerSecond",
  "latencyP50Ms",
  "latencyP95Ms",
  "firstTokenP50Ms",
  "firstTokenP95Ms",
  "perTokenMeanMs",
  "gapP95Ms",
  "goodTokensPerSecond",
  "cpuSeconds",
  "maxResidentMib",
] as const;

/** The side that ours is compared with; undefined where ours was measured alone. */
export function referenceOf(measurements: readonly Measurement[]): string | undefined {
  return references.find((reference) => measurements.some(({ side }) => side === reference));
}

/** Ratios ours / reference of every figure that both sides have in the same case and round. */
export function compare(
  measurements: readonly Measurement[],
  figures: readonly string[] = comparedFigures,
): readonly Ratio[] {
  const reference = referenceOf(measurements);
  if (reference === undefined) return [];
  return casesOf(measurements).flatMap((name) =>
    figures.flatMap((figure) => {
      const values = roundsOf(measurements).flatMap((round) => {
        const ours = figureOf(measurements, name, "ours", round, figure);
        const theirs = figureOf(measurements, name, reference, round, figure);
        return ours === undefined || theirs === undefined || theirs === 0 ? [] : [ours / theirs];
      });
      return values.length === 0 ? [] : [{ case: name, figure, spread: spreadOf(values) }];
    }),
  );
}

export function ratioOf(
  measurements: readonly Measurement[],
  name: string,
  figure: string,
): Spread | undefined {
  return compare(measurements, [figure]).find((ratio) => ratio.case === name)?.spread;
}

/** Median over the rounds; undefined when nothing was measured. */
export function medianOf(
  measurements: readonly Measurement[],
  name: string,
  side: string,
  figure: string,
): number | undefined {
  const values = measurements
    .filter((each) => each.case === name && each.side === side)
    .flatMap((each) => each.figures[figure] ?? []);
  return values.length === 0 ? undefined : median(values);
}

export function casesOf(measurements: readonly Measurement[]): readonly string[] {
  return [...new Set(measurements.map((measurement) => measurement.case))];
}

export function sidesOf(measurements: readonly Measurement[]): readonly string[] {
  return [...new Set(measurements.map((measurement) => measurement.side))];
}

function roundsOf(measurements: readonly Measurement[]): readonly number[] {
  return [...new Set(measurements.map((measurement) => measurement.round))];
}

function figureOf(
  measurements: readonly Measurement[],
  name: string,
  side: string,
  round: number,
  figure: string,
): number | undefined {
  const found = measurements.find((each) => each.case === name && each.side === side && each.round === round);
  return found?.figures[figure];
}
