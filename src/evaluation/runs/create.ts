import type { ChatTemplate } from "../../chat/template.ts";
import type { Engine } from "../../inference/engine.ts";
import type { Store } from "../../store/database.ts";
import { Dispatcher, type DispatcherLog } from "./dispatcher.ts";
import { Evaluator } from "./evaluator.ts";
import { type EvaluatedRecord, Ledger } from "./ledger.ts";
import { ModelCheck } from "./model-check.ts";
import { type EvaluationSet, Planner } from "./planner.ts";
import { RecordQueue } from "./queue.ts";
import { BatchEvals } from "./service.ts";
import { RunSignals } from "./signals.ts";

/** Evaluation sets, wherever they are kept. */
export interface EvaluationSets {
  find(datasetId: string): Promise<EvaluationSet | undefined>;
  recordAt(datasetId: string, position: number): Promise<EvaluatedRecord | undefined>;
}

export interface BatchEvalParts {
  readonly store: Store;
  readonly datasets: EvaluationSets;
  /** Takes batch work, which yields to interactive requests. */
  readonly engine: Engine;
  readonly template: () => ChatTemplate;
  readonly modelNames: () => readonly string[];
  readonly codeVersion: string;
  readonly log: DispatcherLog;
}

/** Puts the parts of batch evaluations together: what the routes call, and what works behind them. */
export function createBatchEvals(parts: BatchEvalParts): {
  readonly runs: BatchEvals;
  readonly dispatcher: Dispatcher;
} {
  const { store, datasets, engine, template, log } = parts;
  const queue = new RecordQueue(store, log);
  const ledger = new Ledger(store, queue);
  const signals = new RunSignals();
  const evaluator = new Evaluator(engine, template);
  const dispatcher = new Dispatcher({
    store,
    ledger,
    queue,
    signals,
    engine,
    model: new ModelCheck(engine),
    recordAt: (run, position) => datasets.recordAt(run.datasetId, position),
    evaluate: (record, run, signal) => evaluator.evaluate(record, run, signal),
    log,
  });
  const planner = new Planner({
    engine,
    findDataset: (datasetId) => datasets.find(datasetId),
    modelNames: parts.modelNames,
    judgePrompt: { version: "judge-1", sha256: "" },
    codeVersion: parts.codeVersion,
  });
  return { runs: new BatchEvals({ store, planner, dispatcher, signals }), dispatcher };
}
