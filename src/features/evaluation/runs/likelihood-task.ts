import Value from "typebox/value";
import { InvalidRequestError } from "../../../errors.ts";
import type { Engine, Usage } from "../../../inference/engine.ts";
import { monotonicMs } from "../../../platform/clock.ts";
import type { EvalData } from "../../datasets/dataset.ts";
import { continuationLikelihood } from "../likelihood/likelihood.ts";
import { Choices, multipleChoice } from "../likelihood/multiple-choice.ts";
import type { Measurement } from "./measurement.ts";
import type { RunRequest } from "./request.ts";

/**
 * Scores a record by likelihood; nothing is generated. The prompt is taken as plain text, without a chat template, as
 * lm-evaluation-harness does; figures can be compared with its.
 * @throws InvalidRequestError for a record that is not such a task
 */
export async function measureLikelihood(
  engine: Engine,
  record: EvalData,
  request: RunRequest,
  signal: AbortSignal,
): Promise<Measurement> {
  const startedAt = monotonicMs();
  const context = plainContext(record, request);
  const result =
    request.task === "multiple_choice"
      ? await choose(engine, context, record, signal)
      : await scoreReference(engine, context, record, signal);
  signal.throwIfAborted();
  const { output, metrics, details, usages } = result;
  const sum = (of: "promptTokens" | "cachedPromptTokens") =>
    usages.reduce((total, usage) => total + usage[of], 0);
  return {
    output,
    finish_reason: "stop",
    scores: [],
    metrics,
    metric_details: details,
    latency_ms: Math.round(monotonicMs() - startedAt),
    tokens: {
      prompt_tokens: sum("promptTokens"),
      cached_prompt_tokens: sum("cachedPromptTokens"),
      completion_tokens: 0,
      judge_prompt_tokens: 0,
      judge_cached_prompt_tokens: 0,
      judge_completion_tokens: 0,
    },
  };
}

interface Scored {
  /** What the likelihoods are about: the chosen text, or the reference. */
  readonly output: string;
  readonly metrics: Readonly<Record<string, number>>;
  readonly details: Readonly<Record<string, object>>;
  readonly usages: readonly Usage[];
}

async function choose(
  engine: Engine,
  context: string,
  record: EvalData,
  signal: AbortSignal,
): Promise<Scored> {
  const { expected } = record;
  if (!Value.Check(Choices, expected) || expected.answer >= expected.choices.length) {
    throw new InvalidRequestError(
      'A multiple-choice record needs "expected": {"choices": [two to 26 texts], "answer": index of the right one, from 0}.',
      { param: "expected" },
    );
  }
  const { choices } = expected;
  const result = await multipleChoice(engine, { ...expected, context }, { signal });
  return {
    output: choices[result.chosen] ?? "",
    metrics: { acc: result.acc, acc_norm: result.accNorm },
    details: {
      acc: { chosen: result.chosen, logprobs: result.choices.map(({ logprob }) => logprob) },
      acc_norm: { chosen: result.chosenNormalized },
    },
    usages: result.choices.map(({ usage }) => usage),
  };
}

async function scoreReference(
  engine: Engine,
  context: string,
  { reference }: EvalData,
  signal: AbortSignal,
): Promise<Scored> {
  if (reference === undefined)
    throw new InvalidRequestError("A likelihood record needs a reference to score.", { param: "reference" });
  const { logprob, tokens, perplexity, bitsPerByte, isGreedy, usage } = await continuationLikelihood(
    engine,
    context,
    ` ${reference.answer}`,
    { signal },
  );
  return {
    output: reference.answer,
    metrics: { perplexity, bits_per_byte: bitsPerByte },
    details: { perplexity: { logprob, tokens, is_greedy: isGreedy } },
    usages: [usage],
  };
}

/** Instructions first: all records of a run share them as a prefix. */
function plainContext({ input, context }: EvalData, { instructions }: RunRequest): string {
  const passages = context === undefined ? [] : [context].flat();
  return [...(instructions === null ? [] : [instructions]), ...passages, input.prompt].join("\n\n");
}
