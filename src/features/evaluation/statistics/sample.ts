/** Figures of one sample. All of them need at least one value; the standard deviation needs two. */

export function mean(values: readonly number[]): number {
  assertSome(values);
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** With n - 1 in the denominator; 0 for a single value. */
export function standardDeviation(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const center = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - center) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1));
}

/**
 * The value below which a share `probability` of the sample lies, interpolated between neighbours: type 7 of Hyndman
 * and Fan (1996), the default of R and NumPy.
 */
export function quantile(values: readonly number[], probability: number): number {
  return quantileOfSorted(
    values.toSorted((a, b) => a - b),
    probability,
  );
}

/** As `quantile`, of values in ascending order. */
export function quantileOfSorted(sorted: ArrayLike<number>, probability: number): number {
  assertSome(sorted);
  const position = Math.min(Math.max(probability, 0), 1) * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below] as number;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] as number;
  return low + (position - below) * (high - low);
}

/** What is reported of latencies, token counts and scores. */
export interface Distribution {
  readonly count: number;
  readonly mean: number;
  readonly standardDeviation: number;
  readonly min: number;
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** Undefined for an empty sample: there is nothing to tell. */
export function distribution(values: readonly number[]): Distribution | undefined {
  if (values.length === 0) return undefined;
  const sorted = values.toSorted((a, b) => a - b);
  return {
    count: values.length,
    mean: mean(values),
    standardDeviation: standardDeviation(values),
    min: quantileOfSorted(sorted, 0),
    p50: quantileOfSorted(sorted, 0.5),
    p90: quantileOfSorted(sorted, 0.9),
    p95: quantileOfSorted(sorted, 0.95),
    p99: quantileOfSorted(sorted, 0.99),
    max: quantileOfSorted(sorted, 1),
  };
}

function assertSome(values: ArrayLike<number>): void {
  if (values.length === 0) throw new RangeError("an empty sample has no mean and no quantiles");
}
