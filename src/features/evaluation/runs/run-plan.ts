import { ApiError, InvalidRequestError } from "../../../errors.ts";
import type { ServedModel } from "../../../serving/served-model.ts";
import type { Agent } from "../../agents/agent.ts";
import type { Agents } from "../../agents/agents.ts";
import type { Dataset } from "../../datasets/dataset.ts";
import type { Datasets } from "../../datasets/datasets.ts";
import type { Judge } from "../judge.ts";
import type { MetricTools } from "../metrics/metric.ts";
import { requireUsable } from "../metrics/options.ts";
import { lowerIsBetter, metricNames, type RunRequest } from "./request.ts";
import type { Provenance } from "./run.ts";
import type { NewRun } from "./run-table.ts";
import { type BatchEvalBody, DEFAULT_MAX_NEW_TOKENS } from "./schema.ts";
import { taskMessages, taskPromptVersion } from "./task-prompt.ts";

export interface RunPlannerOptions {
  /** What runs evaluate. */
  readonly model: ServedModel;
  readonly datasets: Datasets;
  readonly judge: Judge;
  readonly tools: MetricTools;
  readonly agents: Agents;
  /** Largest `max_new_tokens`, and the default where that is more. */
  readonly maxNewTokensLimit: number;
  readonly codeVersion: string;
}

/** Turns what a client asks for into a run that can be made, or says why it can't. */
export class RunPlanner {
  readonly #options: RunPlannerOptions;

  constructor(options: RunPlannerOptions) {
    this.#options = options;
  }

  /** @throws ApiError that names the field */
  async plan(body: BatchEvalBody): Promise<Omit<NewRun, "runId">> {
    const request = {
      ...withDefaults(body, this.#options.maxNewTokensLimit),
      agent: await this.#agentOf(body),
    };
    requireMeasures(request);
    requireReachableThresholds(request);
    await requireUsable(request.metrics, this.#options.tools);
    this.#requireServedModel(body.model);
    const dataset = await this.#requireEvaluationSet(body.dataset_id);
    await this.#requireRoom(request);
    return { request, provenance: this.#provenance(request, dataset), total: dataset.recordCount };
  }

  async #agentOf({ task, agent_id: id }: BatchEvalBody): Promise<Agent | null> {
    if ((task === "agent") !== (id !== undefined))
      throw new InvalidRequestError("agent_id and task agent belong together.", { param: "agent_id" });
    return id === undefined ? null : (await this.#options.agents.get(id)).agent;
  }

  #requireServedModel(name: string | undefined): void {
    const available = this.#options.model.names;
    if (name === undefined || available.includes(name)) return;
    throw new InvalidRequestError(
      `The model ${JSON.stringify(name)} is not served here; a run evaluates the served model, ${available.join(" or ")}.`,
      { param: "model", details: { available } },
    );
  }

  async #requireEvaluationSet(datasetId: string): Promise<Dataset> {
    const param = "dataset_id";
    const dataset = await this.#options.datasets.get(datasetId);
    if (dataset.type !== "eval_set")
      throw new InvalidRequestError(
        `${datasetId} is a corpus for retrieval; a run needs an evaluation set.`,
        { param },
      );
    if (dataset.status !== "ready")
      throw new ApiError("conflict", `${datasetId} is ${dataset.status}; a run needs it ready.`, { param });
    if (dataset.recordCount === 0)
      throw new InvalidRequestError(`${datasetId} has no records to evaluate.`, { param });
    return dataset;
  }

  /** What all records have in common must leave room for a prompt: every one of them would fail for the same reason. */
  async #requireRoom({ task, instructions, generation }: RunRequest): Promise<void> {
    if (task !== "generate") return;
    const { engine, template } = this.#options.model;
    const { contextWindow } = engine.describe();
    const shared = template.render(taskMessages({ instructions, context: undefined, prompt: "" }));
    const promptTokens = (await engine.tokenize(shared)).length;
    const maxNewTokens = generation.max_new_tokens;
    if (promptTokens + maxNewTokens < contextWindow) return;
    throw new ApiError(
      "context_length_exceeded",
      `The instructions take ${promptTokens} tokens and each answer may take ${maxNewTokens}: the context window of ${contextWindow} has no room for a prompt.`,
      {
        param: promptTokens < contextWindow ? "generation.max_new_tokens" : "instructions",
        details: {
          prompt_tokens: promptTokens,
          max_new_tokens: maxNewTokens,
          context_window: contextWindow,
          total_tokens_requested: promptTokens + maxNewTokens,
          hint: "Shorten the instructions, or lower generation.max_new_tokens.",
        },
      },
    );
  }

  #provenance(request: RunRequest, dataset: Dataset): Provenance {
    const { judge, codeVersion } = this.#options;
    const model = this.#options.model.engine.describe();
    return {
      model: {
        name: model.name,
        source: model.source,
        quantization: model.quantization,
        fingerprint: model.weights,
        file_sha256: null,
        context_window: model.contextWindow,
      },
      engine_version: model.engineVersion,
      code_version: codeVersion,
      task_prompt: taskPromptVersion,
      judge: request.criteria.length === 0 ? null : judge.identity,
      dataset: {
        dataset_id: dataset.datasetId,
        name: dataset.name,
        content_hash: dataset.contentHash ?? "",
        record_count: dataset.recordCount,
      },
    };
  }
}

function withDefaults(body: BatchEvalBody, limit: number): Omit<RunRequest, "agent"> {
  const { task = "generate" } = body;
  const {
    temperature = 0,
    top_p = 1,
    max_new_tokens = Math.min(DEFAULT_MAX_NEW_TOKENS, limit),
    seed = 42,
  } = body.generation ?? {};
  return {
    dataset_id: body.dataset_id,
    task,
    criteria: body.criteria ?? [],
    metrics: body.metrics ?? {},
    // A choice is right or wrong; whether that goes by the plain or the normalised likelihood is said here.
    thresholds: body.thresholds ?? (task === "multiple_choice" ? { acc: 1 } : {}),
    concurrency: body.concurrency ?? 4,
    attempts: body.attempts ?? 1,
    instructions: body.instructions ?? null,
    generation: { temperature, top_p, max_new_tokens, seed },
  };
}

function requireMeasures({ task, criteria, metrics }: RunRequest): void {
  const asked = criteria.length > 0 ? "criteria" : Object.keys(metrics).length > 0 ? "metrics" : undefined;
  // Agents' tasks may say which calls they expect.
  if (task === "agent") return;
  if (task === "generate" && asked !== undefined) return;
  if (task !== "generate" && asked === undefined) return;
  if (asked !== undefined) {
    throw new InvalidRequestError(`${asked} can't be asked of ${task}, which generates nothing to measure`, {
      param: asked,
    });
  }
  throw new InvalidRequestError("criteria is required: a run needs criteria or metrics to measure by", {
    param: "criteria",
  });
}

function requireReachableThresholds(request: RunRequest): void {
  const criteria: readonly string[] = request.criteria;
  const measured = [...criteria, ...metricNames(request)];
  for (const [name, value] of Object.entries(request.thresholds)) {
    const param = `thresholds.${name}`;
    if (!measured.includes(name))
      throw new InvalidRequestError(`${param} is not among what the run measures: ${measured.join(", ")}`, {
        param,
      });
    const [least, largest] = criteria.includes(name) ? [1, 10] : [0, lowerIsBetter.has(name) ? Infinity : 1];
    if (value < least || value > largest)
      throw new InvalidRequestError(`${param} must be from ${least} to ${largest}`, { param });
  }
}
