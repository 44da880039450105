import { InvalidRequestError } from "../../errors.ts";
import { TokenForms } from "../constraints/token-forms.ts";
import { TokenMatcher } from "../constraints/token-matcher.ts";
import { TokenTable } from "../constraints/token-table.ts";
import type { GenerationRequest } from "../engine.ts";
import { Candidates } from "../llama/candidates.ts";
import { Sampler } from "../llama/sampler.ts";
import type { Sampling } from "../sampling.ts";
import { PromptScores, TokenScores } from "../scheduler/scores.ts";
import type { SequenceRequest } from "../scheduler/sequence.ts";
import type { OpenModel } from "./open-model.ts";
import type { PromptTokenizer } from "./prompt-tokenizer.ts";
import { assertFits, tokenLimit, unknownToken } from "./request-checks.ts";

/** What a sequence needs of a request, beside what the engine knows of it. */
export type PreparedRequest = Pick<
  SequenceRequest,
  | "prompt"
  | "sections"
  | "maxTokens"
  | "stopTokens"
  | "shownTokens"
  | "endingTokens"
  | "createSampler"
  | "scores"
  | "promptScores"
>;

/** Makes requests ready to run: tokens, limits, the constraint, a sampler. */
export class RequestPreparation {
  readonly #open: OpenModel;
  readonly #tokenizer: PromptTokenizer;
  readonly #candidates: Candidates;
  readonly #table: TokenTable;
  readonly #forms: TokenForms;

  constructor(open: OpenModel, tokenizer: PromptTokenizer) {
    const { vocabulary } = open.model;
    this.#open = open;
    this.#tokenizer = tokenizer;
    this.#candidates = new Candidates(vocabulary.size);
    this.#table = new TokenTable(vocabulary);
    this.#forms = new TokenForms(this.#table);
  }

  /** Refuses a prompt that is too long whatever its exact count, which could take the tokenizer seconds to find. */
  refuseOverlong({ prompt, maxTokens }: GenerationRequest): void {
    const { contextPerSequence } = this.#open.context;
    const fewest = this.#tokenizer.atLeast(prompt);
    if (fewest > contextPerSequence) assertFits(fewest, maxTokens ?? 1, contextPerSequence, "at least ");
  }

  /** @throws ApiError `context_length_exceeded`, `invalid_request` */
  async prepare(request: GenerationRequest): Promise<PreparedRequest> {
    const { sampling, logprobs, promptLogprobs, promptLogprobsFrom, shownTexts = [], thoughts } = request;
    const { vocabulary } = this.#open.model;
    const prompt = await this.#tokenizer.tokenize(request.prompt);
    if (prompt.length === 0) throw new InvalidRequestError("The prompt has no tokens.", { param: "prompt" });
    const maxTokens = tokenLimit(request, prompt.length, this.#open.context.contextPerSequence);
    const { logitBias = [], allowedTokens = [], stopTokens = [] } = sampling;
    refuseUnknown(
      logitBias.map(({ token }) => token),
      vocabulary.size,
      "logit_bias",
    );
    refuseUnknown(allowedTokens, vocabulary.size, "allowed_token_ids");
    refuseUnknown(stopTokens, vocabulary.size, "stop_token_ids");
    // Made ready now: a bad form is the client's error, and not a failure half-way.
    const form = sampling.constraint && this.#forms.get(sampling.constraint);
    const special = { addSpecial: false, parseSpecial: true };
    return {
      prompt,
      sections: this.#tokenizer.sections(request.prompt, prompt),
      maxTokens,
      stopTokens: new Set(stopTokens),
      shownTokens: vocabulary.specialTokensIn(shownTexts),
      endingTokens: thoughts === undefined ? [] : [...vocabulary.tokenize(thoughts.ending, special)],
      createSampler: () => this.createSampler(sampling, prompt, form && new TokenMatcher(form)),
      scores: logprobs === undefined ? undefined : new TokenScores(logprobs, vocabulary),
      promptScores:
        promptLogprobs === undefined
          ? undefined
          : new PromptScores(prompt, promptLogprobs, vocabulary, promptLogprobsFrom),
    };
  }

  createSampler(sampling: Sampling, prompt: Int32Array, matcher?: TokenMatcher): Sampler {
    const { llama, context } = this.#open;
    const { endTokens } = this.#table;
    return new Sampler(llama, context, this.#candidates, sampling, prompt, matcher, endTokens);
  }
}

function refuseUnknown(tokens: readonly number[], size: number, param: string): void {
  const unknown = tokens.find((token) => token < 0 || token >= size);
  if (unknown !== undefined) throw unknownToken(unknown, size, param);
}
