import { InvalidRequestError } from "../../../errors.ts";
import { distribution } from "../statistics/sample.ts";
import { metricNames } from "./request.ts";
import type { ResultFigures } from "./results-table.ts";
import type { Run } from "./run.ts";

/** Bars of a metric's histogram between its least and its largest value. */
const BARS = 10;

/**
 * How often each score of a criterion was given (1 to 10), or how a metric's values are spread.
 * @throws InvalidRequestError when the run did not measure it
 */
export function histogram({ request }: Run, name: string, results: readonly ResultFigures[]) {
  const isCriterion = (request.criteria as readonly string[]).includes(name);
  const metrics = metricNames(request);
  if (!isCriterion && !metrics.includes(name)) {
    const measured = [...request.criteria, ...metrics];
    throw new InvalidRequestError(`criterion must be what this run measured: ${measured.join(", ")}`, {
      param: "criterion",
    });
  }
  const values = results.flatMap(
    (result) => (isCriterion ? result.scores[name] : result.metrics[name]) ?? [],
  );
  const figures = distribution(values);
  return {
    criterion: name,
    count: values.length,
    mean: figures?.mean ?? null,
    standard_deviation: figures?.standardDeviation ?? null,
    p50: figures?.p50 ?? null,
    buckets: isCriterion ? scoreBuckets(values) : valueBuckets(values),
  };
}

interface Bucket {
  readonly from: number;
  /** Inclusive. */
  readonly to: number;
  readonly count: number;
}

function scoreBuckets(values: readonly number[]): Bucket[] {
  return Array.from({ length: 10 }, (_, index) => {
    const score = index + 1;
    return { from: score, to: score, count: values.filter((value) => value === score).length };
  });
}

function valueBuckets(values: readonly number[]): Bucket[] {
  if (values.length === 0) return [];
  const least = values.reduce((a, b) => Math.min(a, b));
  const largest = values.reduce((a, b) => Math.max(a, b));
  const width = (largest - least) / BARS;
  if (width === 0) return [{ from: least, to: largest, count: values.length }];
  const counts = new Array<number>(BARS).fill(0);
  for (const value of values) {
    const bar = Math.min(BARS - 1, Math.floor((value - least) / width));
    counts[bar] = (counts[bar] as number) + 1;
  }
  return counts.map((count, bar) => ({ from: least + bar * width, to: least + (bar + 1) * width, count }));
}
