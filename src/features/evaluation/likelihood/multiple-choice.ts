import { type Static, Type } from "typebox";
import type { Engine, GenerationContext } from "../../../inference/engine.ts";
import { continuationLikelihood, type Likelihood } from "./likelihood.ts";

const MAX_CHOICES = 26;

/** The part of an evaluation record that makes it a multiple-choice task. */
export const Choices = Type.Object({
  choices: Type.Array(Type.String({ minLength: 1, maxLength: 20_000 }), {
    minItems: 2,
    maxItems: MAX_CHOICES,
    description: "Texts that may follow the prompt.",
  }),
  answer: Type.Integer({
    minimum: 0,
    maximum: MAX_CHOICES - 1,
    description: "Index of the right one, from 0.",
  }),
});

export interface MultipleChoiceTask extends Static<typeof Choices> {
  /** What comes before each choice, as the model is to see it: question, examples, `Answer:`. */
  readonly context: string;
  /** Between context and choice; a space when left out, as in lm-evaluation-harness. */
  readonly delimiter?: string;
}

export interface MultipleChoiceResult {
  /** Index of the likeliest choice, and of the likeliest a character. The first of several that are as likely. */
  readonly chosen: number;
  readonly chosenNormalized: number;
  /** lm-evaluation-harness's `acc` and `acc_norm` of this task: 1 or 0. */
  readonly acc: number;
  readonly accNorm: number;
  readonly choices: readonly Likelihood[];
}

/**
 * Answers a multiple-choice task by likelihood, as lm-evaluation-harness does: each choice is scored as the continuation
 * of the context; nothing is generated. `acc` goes by the sum of the log-probabilities, `acc_norm` by that divided by the
 * choice's length in characters (code points), which does not punish long answers for their length.
 */
export async function multipleChoice(
  engine: Engine,
  task: MultipleChoiceTask,
  options: GenerationContext = {},
): Promise<MultipleChoiceResult> {
  const { context, choices, answer, delimiter = " " } = task;
  const scored: Likelihood[] = [];
  // One after the other: the second finds the context in the cache.
  for (const choice of choices)
    scored.push(await continuationLikelihood(engine, context, `${delimiter}${choice}`, options));
  const chosen = indexOfLargest(scored.map(({ logprob }) => logprob));
  const chosenNormalized = indexOfLargest(
    scored.map(({ logprob }, index) => logprob / [...(choices[index] as string)].length),
  );
  return {
    chosen,
    chosenNormalized,
    acc: Number(chosen === answer),
    accNorm: Number(chosenNormalized === answer),
    choices: scored,
  };
}

function indexOfLargest(values: readonly number[]): number {
  return values.reduce((best, value, index) => (value > (values[best] as number) ? index : best), 0);
}
