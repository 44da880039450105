import { complete } from "../../chat/completion.ts";
import type { ChatTemplate } from "../../chat/template.ts";
import type { EvalData } from "../../datasets/dataset.ts";
import { monotonicMs } from "../../inference/clock.ts";
import type { Engine, Usage } from "../../inference/engine.ts";
import { Judge } from "../judge.ts";
import type { MetricTools } from "../metrics/metric.ts";
import { type MetricName, metrics, scoreMetric } from "../metrics/registry.ts";
import type { Verdict } from "./ledger.ts";
import { measureLikelihood } from "./likelihood-task.ts";
import type { CriterionScore, Measurement } from "./measurement.ts";
import { meteredEngine } from "./metered-engine.ts";
import { failureCode } from "./pass-rule.ts";
import type { Run } from "./run.ts";
import { taskMessages } from "./task-prompt.ts";

/** Asks the model for an answer to each record and the judge for its scores, or measures likelihoods. */
export class Evaluator {
  readonly #engine: Engine;
  readonly #template: () => ChatTemplate;
  readonly #tools: MetricTools;

  /** `engine` takes batch work. */
  constructor(engine: Engine, template: () => ChatTemplate, tools: MetricTools) {
    this.#engine = engine;
    this.#template = template;
    this.#tools = tools;
  }

  /**
   * Evaluates one record as the run asks for.
   * @throws ApiError that says why it can't be; whatever `signal` was aborted with
   */
  async evaluate(record: EvalData, run: Run, signal: AbortSignal): Promise<Verdict> {
    const measurement =
      run.request.task === "generate"
        ? await this.#generate(record, run, signal)
        : await measureLikelihood(this.#engine, record, run.request, signal);
    return { measurement, failureCode: failureCode(measurement, run.request.thresholds) };
  }

  async #generate(record: EvalData, run: Run, signal: AbortSignal): Promise<Measurement> {
    const startedAt = monotonicMs();
    const answer = await this.#answer(record, run, signal);
    const latencyMs = monotonicMs() - startedAt;
    const judge = meteredEngine(this.#engine);
    const scores = await this.#judge(judge.engine, record.input.prompt, answer.text, run, signal);
    return {
      output: answer.text,
      finish_reason: answer.finishReason,
      scores,
      ...(await this.#measure(record, answer.text, run, signal)),
      latency_ms: Math.round(latencyMs),
      tokens: {
        prompt_tokens: answer.usage.promptTokens,
        cached_prompt_tokens: answer.usage.cachedPromptTokens,
        completion_tokens: answer.usage.completionTokens,
        judge_prompt_tokens: sum(judge.usages, "promptTokens"),
        judge_cached_prompt_tokens: sum(judge.usages, "cachedPromptTokens"),
        judge_completion_tokens: sum(judge.usages, "completionTokens"),
      },
    };
  }

  async #answer({ input, context }: EvalData, { request }: Run, signal: AbortSignal) {
    const { generation, instructions } = request;
    const messages = taskMessages({ instructions, context, prompt: input.prompt });
    const answer = await complete(
      this.#engine,
      {
        prompt: this.#template().render(messages),
        maxTokens: generation.max_new_tokens,
        sampling: {
          temperature: generation.temperature,
          topP: generation.top_p,
          seed: generation.seed,
        },
        stop: [],
        priority: "batch",
      },
      { signal },
    );
    signal.throwIfAborted();
    return answer;
  }

  /** Figures by metric; null where the record has no reference to measure against. */
  async #measure({ reference, expected }: EvalData, response: string, run: Run, signal: AbortSignal) {
    const metricValues: Record<string, number | null> = {};
    const details: Record<string, object> = {};
    for (const [name, runOptions] of Object.entries(run.request.metrics)) {
      const metric = name as MetricName;
      metricValues[name] = null;
      if (metrics[metric].needsReference && reference === undefined) continue;
      const input = {
        response,
        reference: reference?.answer,
        options: withExpected(metric, runOptions, expected),
      };
      const result = await scoreMetric(metric, input, { ...this.#tools, signal });
      metricValues[name] = result.value;
      details[name] = result.details;
    }
    signal.throwIfAborted();
    return { metrics: metricValues, metric_details: details };
  }

  async #judge(
    engine: Engine,
    prompt: string,
    response: string,
    { runId, request }: Run,
    signal: AbortSignal,
  ): Promise<CriterionScore[]> {
    if (request.criteria.length === 0) return [];
    const judge = new Judge(engine, this.#template);
    const context = { requestId: runId, arrivedAt: monotonicMs(), signal };
    const { scores } = await judge.evaluate({ prompt, response, criteria: request.criteria }, context);
    signal.throwIfAborted();
    return scores;
  }
}

/** A metric's options: the run's, and instead of them what the record itself expects (`expected: {"pattern": …}`). */
function withExpected(
  name: MetricName,
  options: object,
  expected: EvalData["expected"],
): Readonly<Record<string, unknown>> {
  const known = Object.keys(metrics[name].options.properties);
  const own = Object.entries(expected ?? {}).filter(([option]) => known.includes(option));
  return { ...options, ...Object.fromEntries(own) };
}

function sum(
  usages: readonly Usage[],
  of: "promptTokens" | "cachedPromptTokens" | "completionTokens",
): number {
  return usages.reduce((total, usage) => total + usage[of], 0);
}
