import { SeededRandom } from "../../features/evaluation/statistics/random.ts";
import type { LedgerRow } from "../../telemetry/ledger/row.ts";
import { quantile } from "./quantiles.ts";
import { type SimulatedServer, simulate } from "./simulation.ts";
import { recorded } from "./traffic.ts";

/** How far off a predicted figure is: predicted over measured, minus one. */
export interface PredictionError {
  readonly measuredMs: number;
  readonly predictedMs: number;
  readonly error: number;
}

/** The planner's figures for requests that the server has answered, against what they took. */
export interface Backtest {
  readonly requests: number;
  readonly timeToFirstToken: { readonly p50: PredictionError; readonly p95: PredictionError };
  readonly latency: { readonly p50: PredictionError; readonly p95: PredictionError };
}

/** Requests that are needed: a 95th percentile of fewer says nothing. */
const MIN_REQUESTS = 20;

/** Simulates requests as they came, oldest first; undefined where they are too few. */
export function backtest(server: SimulatedServer, rows: readonly LedgerRow[]): Backtest | undefined {
  if (rows.length < MIN_REQUESTS) return undefined;
  const answers = simulate(server, recorded(rows), rows.length, new SeededRandom(rows.length));
  const compare = (measured: readonly number[], predicted: readonly number[]) => ({
    p50: errorOf(quantile(measured, 0.5), quantile(predicted, 0.5)),
    p95: errorOf(quantile(measured, 0.95), quantile(predicted, 0.95)),
  });
  return {
    requests: rows.length,
    timeToFirstToken: compare(
      rows.map((row) => row.timeToFirstTokenMs ?? row.latencyMs),
      answers.map((answer) => answer.timeToFirstTokenMs),
    ),
    latency: compare(
      rows.map((row) => row.latencyMs),
      answers.map((answer) => answer.latencyMs),
    ),
  };
}

function errorOf(measuredMs: number, predictedMs: number): PredictionError {
  return { measuredMs, predictedMs, error: measuredMs > 0 ? predictedMs / measuredMs - 1 : 0 };
}
