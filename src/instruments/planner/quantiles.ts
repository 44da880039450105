import * as sample from "../../features/evaluation/statistics/sample.ts";

/** The value below which a share of `values` is, interpolated; 0 of none. */
export function quantile(values: readonly number[], share: number): number {
  return values.length === 0 ? 0 : sample.quantile(values, share);
}

/** 0 of none. */
export function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : sample.mean(values);
}
