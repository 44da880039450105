import { Changes } from "../../../platform/jobs/changes.ts";
import { JobQueue } from "../../../platform/jobs/queue.ts";
import type { Store } from "../../../platform/store/database.ts";
import type { ServedModel } from "../../../serving/served-model.ts";
import type { AgentsFeature } from "../../agents/create.ts";
import { Trials } from "../../agents/trials.ts";
import type { EvalData } from "../../datasets/dataset.ts";
import type { Datasets } from "../../datasets/datasets.ts";
import type { Judge } from "../judge.ts";
import type { MetricTools } from "../metrics/metric.ts";
import { Attempts } from "./attempts.ts";
import { Dispatcher, type DispatcherLog } from "./dispatcher.ts";
import { Evaluator } from "./evaluator.ts";
import { ModelCheck } from "./model-check.ts";
import { RunPlanner } from "./run-plan.ts";
import { BatchEvals } from "./service.ts";

export interface BatchEvalParts {
  readonly store: Store;
  readonly datasets: Datasets;
  /** What runs evaluate. */
  readonly model: ServedModel;
  readonly judge: Judge;
  /** What metrics work with. */
  readonly tools: MetricTools;
  /** Who does the tasks of runs of agents. */
  readonly agents: AgentsFeature;
  readonly maxNewTokensLimit: number;
  readonly codeVersion: string;
  readonly log: DispatcherLog;
}

/** Puts the parts of batch evaluations together: what the routes call, and what works behind them. */
export function createBatchEvals(parts: BatchEvalParts): {
  readonly runs: BatchEvals;
  readonly dispatcher: Dispatcher;
} {
  const { store, datasets, model, judge, tools, log } = parts;
  const queue = new JobQueue({ store, name: "batch-eval", log });
  const attempts = new Attempts(store, queue);
  const changes = new Changes();
  const evaluator = new Evaluator(model, judge, tools, new Trials(parts.agents.sessions));
  const dispatcher = new Dispatcher({
    store,
    attempts,
    queue,
    changes,
    model: new ModelCheck(model.engine, judge),
    recordAt: async ({ datasetId }, position) =>
      (await datasets.recordsFrom<EvalData>(datasetId, position, 1)).find(
        (record) => record.position === position,
      ),
    evaluate: (record, run, signal) => evaluator.evaluate(record, run, signal),
    log,
  });
  const planner = new RunPlanner({
    model,
    datasets,
    judge,
    tools,
    agents: parts.agents.agents,
    maxNewTokensLimit: parts.maxNewTokensLimit,
    codeVersion: parts.codeVersion,
  });
  return { runs: new BatchEvals({ store, planner, dispatcher, changes }), dispatcher };
}
