import { UnavailableError } from "../../errors.ts";
import { timings } from "../../telemetry/timings.ts";
import {
  type Criterion,
  type JudgedPair,
  judgePrompt,
  judgeTemplate,
  type PromptVersion,
} from "./judge-prompt.ts";
import type { JudgeAnswer, JudgeContext, JudgeModel } from "./judges/judge-model.ts";
import type { Judgements } from "./schema.ts";

export interface Judgement {
  readonly criterion: Criterion;
  /** 1 to 10. */
  readonly score: number;
  readonly rationale: string;
}

/** What scores are by: those of different judges or prompts are not to be compared. */
export interface JudgeIdentity {
  readonly model: string;
  /** Null for a model behind an API, which does not tell. */
  readonly fingerprint: string | null;
  readonly prompt: PromptVersion;
}

/** The same text for the same judge, asked in the same way. */
export function describeJudge({ model, fingerprint, prompt }: JudgeIdentity): string {
  const file = fingerprint === null ? "" : ` (${fingerprint})`;
  return `${model}${file} by ${prompt.version} (${prompt.sha256.slice(0, 10)})`;
}

/** Scores a response by asked criteria, one question each. */
export class Judge {
  readonly #model: JudgeModel;

  constructor(model: JudgeModel) {
    this.#model = model;
  }

  get status() {
    return this.#model.status;
  }

  get isReady(): boolean {
    return this.#model.isReady;
  }

  /** Who judges and how it is asked. @throws UnavailableError while it is not loaded */
  get identity(): JudgeIdentity {
    const { name: model, fingerprint } = this.#model;
    return { model, fingerprint, prompt: judgeTemplate };
  }

  /**
   * Judges every criterion, side by side.
   * @throws UnavailableError `judge_failed` when the judge gave no score; nothing is invented
   */
  async evaluate(
    { criteria, ...pair }: JudgedPair & { readonly criteria: readonly Criterion[] },
    context: JudgeContext,
  ): Promise<Judgements> {
    // Without a verdict on one criterion the request fails, so the others need not finish.
    const failed = new AbortController();
    const signal = AbortSignal.any([context.signal, failed.signal]);
    const results = await Promise.all(
      criteria.map(async (criterion) => {
        const answer = await this.#model.ask(judgePrompt(pair, criterion), { ...context, signal });
        return { answer, judgement: parseJudgement(answer.text, criterion) };
      }),
    ).catch((error: unknown) => {
      failed.abort();
      throw error;
    });
    const answers = results.map(({ answer }) => answer);
    const slowest = answers.reduce((a, b) => (b.latencyMs > a.latencyMs ? b : a));
    const { name } = this.#model;
    return {
      model: name,
      scores: results.map(({ answer, judgement }) => ({
        ...judgement,
        score_expected: answer.expectedScore === undefined ? null : Number(answer.expectedScore.toFixed(2)),
      })),
      latency_ms: Math.round(slowest.latencyMs),
      judge: { model: name, template: judgeTemplate.version, template_hash: judgeTemplate.sha256 },
      usage: usageOf(answers),
      ...accountOf(slowest),
    };
  }
}

function usageOf(answers: readonly JudgeAnswer[]): Judgements["usage"] {
  const sum = (of: keyof JudgeAnswer["usage"]) => answers.reduce((total, { usage }) => total + usage[of], 0);
  const [prompt, completion] = [sum("promptTokens"), sum("completionTokens")];
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    cached_prompt_tokens: sum("cachedPromptTokens"),
  };
}

/** The parts of the latency: those of the criterion that took longest, since all are judged side by side. */
function accountOf({ timings: parts, usage }: JudgeAnswer): Pick<Judgements, "timings"> {
  if (parts === undefined) return {};
  return {
    timings: timings([
      { timings: parts, usage: { ...usage, reasoningTokens: 0, draftedTokens: 0, acceptedTokens: 0 } },
    ]),
  };
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
    if (judgement !== undefined) return { criterion, ...judgement };
  }
  throw new UnavailableError("judge_failed", `The judge gave no score for ${criterion}.`);
}

/** A judge elsewhere need not keep to the form it was given. */
function readJson(text: string): Omit<Judgement, "criterion"> | undefined {
  try {
    const { score, rationale } = JSON.parse(text) as Partial<Judgement>;
    const isScore = Number.isInteger(score) && (score as number) >= 1 && (score as number) <= 10;
    return isScore && typeof rationale === "string" ? { score: score as number, rationale } : undefined;
  } catch {
    return undefined;
  }
}
