/** Entry of the thread that simulates: one job, one answer. */
import { setPriority } from "node:os";
import { parentPort, workerData } from "node:worker_threads";
import type { LedgerRow } from "../../telemetry/ledger/row.ts";
import { type Backtest, backtest } from "./backtest.ts";
import { type Plan, type PlanOptions, plan } from "./plan.ts";
import type { SimulatedServer } from "./simulation.ts";

export interface PlannerJob {
  readonly server: SimulatedServer;
  /** What is asked; undefined where only the error is wanted. */
  readonly question: PlanOptions | undefined;
  /** Requests that were answered, oldest first, to see how far off the simulation is. */
  readonly answered: readonly LedgerRow[];
}

export interface PlannerResult {
  readonly plan: Plan | undefined;
  readonly backtest: Backtest | undefined;
}

/** On Linux the priority of a thread; requests that are being answered go before it. */
const LOWEST_PRIORITY = 19;

if (process.platform === "linux") setPriority(0, LOWEST_PRIORITY);
const { server, question, answered } = workerData as PlannerJob;
const result: PlannerResult = {
  plan: question && plan(question),
  backtest: backtest(server, answered),
};
parentPort?.postMessage(result);
