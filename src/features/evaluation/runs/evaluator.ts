import type { ChatModel } from "../../../assistant/template/chat-model.ts";
import { complete } from "../../../inference/completion.ts";
import { monotonicMs } from "../../../platform/clock.ts";
import type { Trials } from "../../agents/trials.ts";
import type { EvalData } from "../../datasets/dataset.ts";
import type { Judge } from "../judge.ts";
import type { MetricTools } from "../metrics/metric.ts";
import { type MetricName, metrics, scoreMetric } from "../metrics/registry.ts";
import type { Judgements } from "../schema.ts";
import { type Answered, measureAgent } from "./agent-task.ts";
import type { Verdict } from "./attempts.ts";
import { measureLikelihood } from "./likelihood-task.ts";
import type { Measurement } from "./measurement.ts";
import { failureCode } from "./pass-rule.ts";
import type { Run } from "./run.ts";
import { taskMessages } from "./task-prompt.ts";

/** Asks the model for an answer to each record and the judge for its scores, or measures likelihoods. */
export class Evaluator {
  readonly #model: ChatModel;
  readonly #judge: Judge;
  readonly #tools: MetricTools;

  readonly #trials: Trials;

  constructor(model: ChatModel, judge: Judge, tools: MetricTools, trials: Trials) {
    this.#trials = trials;
    this.#model = model;
    this.#judge = judge;
    this.#tools = tools;
  }

  /**
   * Evaluates one record as the run asks for.
   * @throws ApiError that says why it can't be; whatever `signal` was aborted with
   */
  async evaluate(record: EvalData, run: Run, signal: AbortSignal): Promise<Verdict> {
    const measurement = await this.#measureBy(record, run, signal);
    return { measurement, failureCode: failureCode(measurement, run.request.thresholds) };
  }

  #measureBy(record: EvalData, run: Run, signal: AbortSignal): Promise<Measurement> {
    switch (run.request.task) {
      case "generate":
        return this.#generate(record, run, signal);
      case "agent":
        return measureAgent(record, run.request, {
          trials: this.#trials,
          measure: (answered) => this.#judged(record, answered, run, signal),
          signal,
        });
      case "multiple_choice":
      case "likelihood":
        return measureLikelihood(this.#model.engine, record, run.request, signal);
    }
  }

  async #generate(record: EvalData, run: Run, signal: AbortSignal): Promise<Measurement> {
    const startedAt = monotonicMs();
    const { text, finishReason, usage } = await this.#answer(record, run, signal);
    const latencyMs = monotonicMs() - startedAt;
    return this.#judged(record, { text, finishReason, latencyMs, ...usage }, run, signal);
  }

  async #judged(record: EvalData, answered: Answered, run: Run, signal: AbortSignal): Promise<Measurement> {
    const judged = await this.#score(record, answered.text, run, signal);
    return {
      output: answered.text,
      finish_reason: answered.finishReason,
      scores: judged?.scores ?? [],
      ...(await this.#measure(record, answered.text, run, signal)),
      latency_ms: Math.round(answered.latencyMs),
      tokens: {
        prompt_tokens: answered.promptTokens,
        cached_prompt_tokens: answered.cachedPromptTokens,
        completion_tokens: answered.completionTokens,
        judge_prompt_tokens: judged?.usage.prompt_tokens ?? 0,
        judge_cached_prompt_tokens: judged?.usage.cached_prompt_tokens ?? 0,
        judge_completion_tokens: judged?.usage.completion_tokens ?? 0,
      },
    };
  }

  async #answer({ input, context }: EvalData, { request }: Run, signal: AbortSignal) {
    const { generation, instructions } = request;
    const messages = taskMessages({ instructions, context, prompt: input.prompt });
    const answer = await complete(
      this.#model.engine,
      {
        prompt: this.#model.template.render(messages),
        maxTokens: generation.max_new_tokens,
        sampling: {
          temperature: generation.temperature,
          topP: generation.top_p,
          seed: generation.seed,
        },
        stop: [],
      },
      { signal, lane: "batch" },
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

  /** Undefined when the run asks for no criteria. */
  async #score(
    { input, reference }: EvalData,
    response: string,
    { request }: Run,
    signal: AbortSignal,
  ): Promise<Judgements | undefined> {
    if (request.criteria.length === 0) return undefined;
    const pair = { prompt: input.prompt, response, reference: reference?.answer };
    const context = { arrivedAt: monotonicMs(), signal, lane: "batch" } as const;
    const judged = await this.#judge.evaluate({ ...pair, criteria: request.criteria }, context);
    signal.throwIfAborted();
    return judged;
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
