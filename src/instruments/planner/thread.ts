/** Entry of the thread that simulates: one job, one answer. */
import { setPriority } from "node:os";
import { parentPort, workerData } from "node:worker_threads";
import type { LedgerRow } from "../../telemetry/ledger/row.ts";
import { type Backtest, backtest } from "./backtest.ts";
import { type Plan, type PlanOptions, plan } from "./plan.ts";

export interface PlannerJob {
  readonly options: PlanOptions;
  /** Requests that were answered, oldest first, to see how far off the simulation is. */
  readonly answered: readonly LedgerRow[];
}

export interface PlannerResult {
  readonly plan: Plan;
  readonly backtest: Backtest | undefined;
}

/** On Linux the priority of a thread; requests that are being answered go before it. */
const LOWEST_PRIORITY = 19;

if (process.platform === "linux") setPriority(0, LOWEST_PRIORITY);
const { options, answered } = workerData as PlannerJob;
const result: PlannerResult = { plan: plan(options), backtest: backtest(options.server, answered) };
parentPort?.postMessage(result);
