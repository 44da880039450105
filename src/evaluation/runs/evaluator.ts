import { complete } from "../../chat/completion.ts";
import type { ChatTemplate } from "../../chat/template.ts";
import { monotonicMs } from "../../inference/clock.ts";
import type { Engine, Usage } from "../../inference/engine.ts";
import { Judge } from "../judge.ts";
import type { Verdict } from "./ledger.ts";
import type { CriterionScore, EvaluationRecord } from "./measurement.ts";
import { meteredEngine } from "./metered-engine.ts";
import { failureCode } from "./pass-rule.ts";
import type { Run } from "./run.ts";
import { taskMessages } from "./task-prompt.ts";

/** Asks the model for an answer to each record, and the judge for its scores. */
export class Evaluator {
  readonly #engine: Engine;
  readonly #template: () => ChatTemplate;

  /** `engine` takes batch work. */
  constructor(engine: Engine, template: () => ChatTemplate) {
    this.#engine = engine;
    this.#template = template;
  }

  /**
   * Evaluates one record as the run asks for.
   * @throws ApiError that says why it can't be; whatever `signal` was aborted with
   */
  async evaluate(record: EvaluationRecord, run: Run, signal: AbortSignal): Promise<Verdict> {
    const startedAt = monotonicMs();
    const answer = await this.#answer(record, run, signal);
    const latencyMs = monotonicMs() - startedAt;
    const judge = meteredEngine(this.#engine);
    const scores = await this.#judge(judge.engine, record.input.prompt, answer.text, run, signal);
    const measurement = {
      output: answer.text,
      finish_reason: answer.finishReason,
      scores,
      metrics: {},
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
    return { measurement, failureCode: failureCode(measurement, run.request.thresholds) };
  }

  async #answer({ input, context }: EvaluationRecord, { request }: Run, signal: AbortSignal) {
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

function sum(
  usages: readonly Usage[],
  of: "promptTokens" | "cachedPromptTokens" | "completionTokens",
): number {
  return usages.reduce((total, usage) => total + usage[of], 0);
}
