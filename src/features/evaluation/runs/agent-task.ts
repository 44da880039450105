import { monotonicMs } from "../../../platform/clock.ts";
import type { Trial, TrialCall, Trials } from "../../agents/trials.ts";
import type { EvalData } from "../../datasets/dataset.ts";
import type { Measurement } from "./measurement.ts";
import { failureCode } from "./pass-rule.ts";
import type { RunRequest } from "./request.ts";
import { taskMessages } from "./task-prompt.ts";

/** An answer, however it was come by, for the judge and the metrics. */
export interface Answered {
  readonly text: string;
  readonly finishReason: string;
  readonly promptTokens: number;
  readonly cachedPromptTokens: number;
  readonly completionTokens: number;
  readonly latencyMs: number;
}

export interface AgentTask {
  readonly trials: Trials;
  /** Judges and measures an answer as that of any run. */
  readonly measure: (answered: Answered) => Promise<Measurement>;
  readonly signal: AbortSignal;
}

interface Tried {
  readonly trial: Trial;
  readonly measurement: Measurement;
  readonly failure: string | null;
}

/**
 * Has an agent do a record's task some times. `pass_at_1` is the share of the attempts that pass, `pass_all` whether all
 * do (pass^k); an attempt passes by the run's rule, and when its calls are those that the record expects.
 */
export async function measureAgent(
  record: EvalData,
  request: RunRequest,
  { trials, measure, signal }: AgentTask,
): Promise<Measurement> {
  const { agent, attempts, generation } = request;
  if (agent === null) throw new Error("a run of agents without an agent");
  const [message] = taskMessages({
    instructions: null,
    context: record.context,
    prompt: record.input.prompt,
  });
  const tried: Tried[] = [];
  for (let attempt = 0; attempt < attempts; attempt++) {
    const startedAt = monotonicMs();
    const trial = await trials.run(agent, message?.content ?? "", generation.seed + attempt, signal);
    const latencyMs = monotonicMs() - startedAt;
    const measured = await measure({
      text: trial.answer,
      finishReason: trial.ending ?? "stop",
      promptTokens: trial.usage.inputTokens,
      cachedPromptTokens: trial.usage.cachedTokens,
      completionTokens: trial.usage.outputTokens,
      latencyMs,
    });
    const calls = callsScore(record.expected?.["calls"], trial.calls);
    const measurement = { ...measured, metrics: { ...measured.metrics, calls } };
    tried.push({ trial, measurement, failure: failureCode(measurement, request.thresholds) });
  }
  return combine(tried);
}

/** All attempts as one measurement; its answer is the first one's. */
function combine(tried: readonly Tried[]): Measurement {
  const [first] = tried;
  if (first === undefined) throw new Error("a task that was never tried");
  const sum = (of: (measurement: Measurement) => number) =>
    tried.reduce((total, { measurement }) => total + of(measurement), 0);
  const passed = tried.filter(({ failure }) => failure === null).length;
  const names = Object.keys(first.measurement.metrics);
  return {
    ...first.measurement,
    metrics: {
      ...Object.fromEntries(names.map((name) => [name, meanOf(tried, name)])),
      pass_at_1: passed / tried.length,
      pass_all: passed === tried.length ? 1 : 0,
    },
    metric_details: {
      ...first.measurement.metric_details,
      attempts: tried.map(({ trial, measurement, failure }) => ({
        session_id: trial.sessionId,
        failure,
        ending: trial.ending,
        output: trial.answer,
        steps: trial.steps,
        calls: trial.calls,
        latency_ms: measurement.latency_ms,
        tokens: measurement.tokens.prompt_tokens + measurement.tokens.completion_tokens,
      })),
    },
    latency_ms: sum(({ latency_ms }) => latency_ms),
    tokens: {
      prompt_tokens: sum(({ tokens }) => tokens.prompt_tokens),
      cached_prompt_tokens: sum(({ tokens }) => tokens.cached_prompt_tokens),
      completion_tokens: sum(({ tokens }) => tokens.completion_tokens),
      judge_prompt_tokens: sum(({ tokens }) => tokens.judge_prompt_tokens),
      judge_cached_prompt_tokens: sum(({ tokens }) => tokens.judge_cached_prompt_tokens),
      judge_completion_tokens: sum(({ tokens }) => tokens.judge_completion_tokens),
    },
  };
}

function meanOf(tried: readonly Tried[], name: string): number | null {
  const values = tried.flatMap(({ measurement }) => measurement.metrics[name] ?? []);
  return values.length === 0 ? null : values.reduce((total, value) => total + value, 0) / values.length;
}

/** 1 where the expected calls were made in their order, others between them or not; null where none are expected. */
export function callsScore(expected: unknown, made: readonly TrialCall[]): number | null {
  if (!Array.isArray(expected)) return null;
  let at = 0;
  for (const call of made) if (at < expected.length && fits(expected[at], call)) at++;
  return at === expected.length ? 1 : 0;
}

/** By name, and by those arguments that are expected. */
function fits(expected: unknown, { name, arguments: given }: TrialCall): boolean {
  if (typeof expected === "string") return expected === name;
  const { name: wanted, arguments: values = {} } = expected as { name?: unknown; arguments?: object };
  if (wanted !== name) return false;
  const made = JSON.parse(given) as Readonly<Record<string, unknown>>;
  return Object.entries(values).every(
    ([field, value]) => JSON.stringify(made[field]) === JSON.stringify(value),
  );
}
