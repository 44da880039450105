import { ApiError } from "../../errors.ts";
import { scoreTokens } from "../../features/evaluation/likelihood/score-tokens.ts";
import type { Engine, GenerationContext, GenerationRequest } from "../../inference/engine.ts";
import type { ServedModel } from "../../serving/served-model.ts";
import type { ServedModels } from "../../serving/served-models.ts";
import type { KeptGeneration } from "../../telemetry/request-account.ts";
import { type Difference, differences, factsOf } from "./identity.ts";
import { KEPT_ANSWERS, type KeptAnswers } from "./kept-answers.ts";

export const levels = ["identity", "score", "alone"] as const;
export type ReplayLevel = (typeof levels)[number];

export const verdicts = ["identical", "consistent", "contradicted", "different"] as const;
export type ReplayVerdict = (typeof verdicts)[number];

/** What became of one generation. */
export interface ReplayedGeneration {
  readonly tokens: number;
  /** Of its draws. */
  readonly seed: number;
  readonly verdict: ReplayVerdict;
  /** First token that is another one, or whose probability is; undefined where there is none. */
  readonly firstDifference: number | undefined;
  /** Of the tokens' log-probabilities, between then and now. */
  readonly largestGap: number | undefined;
  readonly meanGap: number | undefined;
}

export interface Replay {
  readonly level: ReplayLevel;
  readonly requestId: string;
  readonly verdict: ReplayVerdict;
  /** What the answer was made by. */
  readonly facts: Readonly<Record<string, string>>;
  readonly differences: readonly Difference[];
  readonly generations: readonly ReplayedGeneration[];
}

/**
 * A token's log-probability may be off by so much when it is computed in a batch of another shape; what is beyond was not
 * computed by this model from this text.
 */
const ROUNDING = 0.1;
/** And so much at the mean of an answer's tokens. */
const MEAN_ROUNDING = 0.02;
const EXACT = 1e-6;

/** What a replay has of the request that it is for. */
type ReplayContext = GenerationContext & { readonly signal: AbortSignal };

/** Computes kept answers again, and says whether they are what this model makes of their prompts. */
export class Replayer {
  readonly #models: ServedModels;
  readonly #kept: KeptAnswers;

  constructor(models: ServedModels, kept: KeptAnswers) {
    this.#models = models;
    this.#kept = kept;
  }

  /** @throws ApiError `not_found` for an answer that is not kept, `conflict` where its model is gone */
  async replay(id: string, level: ReplayLevel, context: ReplayContext): Promise<Replay> {
    const answer = this.#kept.find(id);
    const [first] = answer?.generations ?? [];
    if (answer === undefined || first === undefined) {
      const message = `No answer ${JSON.stringify(id)} is kept for a replay: memory has the latest ${KEPT_ANSWERS} that were asked for with reproducible.`;
      throw new ApiError("not_found", message, { param: "id" });
    }
    const model = this.#modelOf(first);
    await using _lease = await this.#models.lease(model, context);
    const { engine } = model;
    const found = differences(first.model, engine.describe());
    const generations: ReplayedGeneration[] = [];
    for (const generation of answer.generations)
      generations.push(await replayed(generation, level, found, engine, context));
    const worst = generations.reduce(
      (most, { verdict }) => Math.max(most, verdicts.indexOf(verdict)),
      verdicts.indexOf("identical"),
    );
    return {
      level,
      requestId: answer.requestId,
      verdict: verdicts[worst] ?? "identical",
      facts: factsOf(first.model),
      differences: found,
      generations,
    };
  }

  #modelOf({ model }: KeptGeneration): ServedModel {
    const found = this.#models.all.find(({ names }) => names.includes(model.name));
    if (found !== undefined) return found;
    throw new ApiError("conflict", `The model ${model.name} that made the answer is not served any more.`, {
      param: "id",
    });
  }
}

async function replayed(
  kept: KeptGeneration,
  level: ReplayLevel,
  found: readonly Difference[],
  engine: Engine,
  context: GenerationContext,
): Promise<ReplayedGeneration> {
  switch (level) {
    case "identity":
      return {
        tokens: kept.tokens.length,
        seed: kept.request.sampling.seed,
        verdict: found.length === 0 ? "identical" : "different",
        firstDifference: undefined,
        largestGap: undefined,
        meanGap: undefined,
      };
    case "score":
      return {
        ...judge(kept, await scoresOf(kept, engine, context)),
        seed: kept.request.sampling.seed,
      };
    case "alone":
      return {
        ...judge(kept, await generateAgain(kept.request, engine, context)),
        seed: kept.request.sampling.seed,
      };
    default:
      return level satisfies never;
  }
}

interface Scored {
  readonly token: number;
  readonly logprob: number;
}

/** The answer's tokens as the model scores them in one pass over prompt and answer. */
async function scoresOf(
  { request, tokens }: KeptGeneration,
  engine: Engine,
  context: GenerationContext,
): Promise<readonly Scored[]> {
  if (tokens.length === 0) return [];
  const prompt = await engine.tokenize(request.prompt, context.signal);
  const all = [...prompt, ...tokens.map(({ token }) => token)];
  const text = { parts: [{ type: "tokens" as const, tokens: all }], addBos: false };
  const scored = await scoreTokens(engine, text, prompt.length, { lane: "interactive", ...context });
  return scored.tokens.map(({ token, logprob = 0 }) => ({ token, logprob }));
}

async function generateAgain(
  { reusable: _, ...request }: GenerationRequest,
  engine: Engine,
  context: GenerationContext,
): Promise<readonly Scored[]> {
  const tokens: Scored[] = [];
  for await (const event of engine.generate({ ...request, logprobs: request.logprobs ?? 0 }, context)) {
    if (event.type === "text")
      for (const { token, logprob = 0 } of event.tokens ?? []) tokens.push({ token, logprob });
  }
  return tokens;
}

/** Compares what was with what is now, token by token. */
export function judge(
  { tokens }: Pick<KeptGeneration, "tokens">,
  now: readonly Scored[],
): Omit<ReplayedGeneration, "seed"> {
  const gaps = tokens.map(({ token, logprob }, at) => {
    const other = now[at];
    return other === undefined || other.token !== token
      ? Number.POSITIVE_INFINITY
      : Math.abs(other.logprob - logprob);
  });
  const isShorter = now.length > tokens.length;
  const largest = Math.max(0, ...gaps);
  const mean = gaps.length === 0 ? 0 : gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  const beyond = gaps.findIndex((gap) => gap > ROUNDING);
  const first = beyond >= 0 ? beyond : isShorter ? tokens.length : undefined;
  const isContradicted = first !== undefined || mean > MEAN_ROUNDING;
  return {
    tokens: tokens.length,
    verdict: isContradicted ? "contradicted" : largest <= EXACT ? "identical" : "consistent",
    firstDifference: first,
    largestGap: Number.isFinite(largest) ? largest : undefined,
    meanGap: Number.isFinite(mean) ? mean : undefined,
  };
}
