import { complete, totalMs } from "../chat/completion.ts";
import { type ChatTemplate, plainPrompt } from "../chat/template.ts";
import { UnavailableError } from "../errors.ts";
import type { Engine } from "../inference/engine.ts";
import { type Criterion, JUDGE_MAX_TOKENS, judgeGrammar, judgePrompt } from "./judge-prompt.ts";
import type { EvaluateResponse } from "./schema.ts";

export interface Judgement {
  readonly criterion: Criterion;
  /** 1 to 10. */
  readonly score: number;
  readonly rationale: string;
}

export interface JudgeContext {
  readonly requestId: string;
  readonly arrivedAt: number;
  readonly signal: AbortSignal;
}

/** Scores a response by asked criteria, with a model whose output a grammar holds to the form. */
export class Judge {
  readonly #engine: Engine;
  readonly #template: () => ChatTemplate;

  constructor(engine: Engine, template: () => ChatTemplate) {
    this.#engine = engine;
    this.#template = template;
  }

  /**
   * Judges every criterion, side by side.
   * @throws UnavailableError `judge_failed` when the judge was cut off before its score; nothing is invented
   */
  async evaluate(
    input: { readonly prompt: string; readonly response: string; readonly criteria: readonly Criterion[] },
    context: JudgeContext,
  ): Promise<EvaluateResponse> {
    // When one criterion can't be judged there is no answer, so the others need not be finished.
    const failed = new AbortController();
    const signal = AbortSignal.any([context.signal, failed.signal]);
    const results = await Promise.all(
      input.criteria.map((criterion) =>
        this.#score(input.prompt, input.response, criterion, { ...context, signal }),
      ),
    ).catch((error: unknown) => {
      failed.abort();
      throw error;
    });
    return {
      request_id: context.requestId,
      model: this.#engine.describe().name,
      scores: results.map(({ judgement }) => judgement),
      latency_ms: Math.round(Math.max(...results.map(({ latencyMs }) => latencyMs))),
    };
  }

  async #score(prompt: string, response: string, criterion: Criterion, context: JudgeContext) {
    const template = this.#template();
    const question = judgePrompt(prompt, response, criterion);
    const completion = await complete(
      this.#engine,
      {
        prompt: template.hasTemplate
          ? template.render([{ role: "user", content: question }])
          : plainPrompt(`${question}\nAnswer: `),
        maxTokens: JUDGE_MAX_TOKENS,
        sampling: { temperature: 0, seed: 0, grammar: judgeGrammar },
        stop: [],
        priority: "interactive",
      },
      context,
    );
    const judgement = parseJudgement(completion.text, criterion);
    return { judgement, latencyMs: totalMs(completion.timings) };
  }
}

/**
 * Reads a judge's answer. One that ran into the token limit inside its rationale is closed there: its score and the
 * words so far are the judge's own.
 */
export function parseJudgement(text: string, criterion: Criterion): Judgement {
  // An odd number of backslashes at the end is half an escape.
  const unescaped = /(?<!\\)(?:\\\\)*\\$/.test(text) ? text.slice(0, -1) : text;
  for (const whole of [text, `${text}}`, `${unescaped}"}`]) {
    const judgement = readJson(whole);
    if (judgement !== undefined) return { criterion, score: judgement.score, rationale: judgement.rationale };
  }
  throw new UnavailableError("judge_failed", `The judge gave no score for ${criterion}.`);
}

function readJson(text: string): Omit<Judgement, "criterion"> | undefined {
  try {
    const value = JSON.parse(text) as Partial<Judgement>;
    return value.score === undefined || value.rationale === undefined
      ? undefined
      : { score: value.score, rationale: value.rationale };
  } catch {
    return undefined;
  }
}
