import { InvalidRequestError } from "../../errors.ts";
import { argmax } from "../argmax.ts";
import type { Sampling } from "../sampling.ts";
import type { Llama } from "./bindings.ts";
import type { Candidates } from "./candidates.ts";
import type { LlamaContext } from "./context.ts";
import { Restriction } from "./restriction.ts";
import { hasPenalties, isGreedy, samplerStages } from "./sampler-stages.ts";
import type { SamplerHandle } from "./signatures.ts";

/** Draws after the first that a grammar may refuse before the whole vocabulary is masked, which costs as much as many. */
const MAX_REDRAWS = 4;
/** What tokens may come next, of a text that is held to a form. */
export interface TokenFilter {
  allows(token: number): boolean;
  accept(token: number): void;
  /** A bit for each token that may come, but for a few that `allows` still refuses. */
  mask(): Uint32Array;
  /** Nothing can follow. */
  readonly isFinal: boolean;
  /** Tokens that are likely because the form leaves no choice. */
  forcedTokens(limit: number): readonly number[];
}

/** Chooses one sequence's tokens: a llama.cpp sampler chain, and a filter beside it when the text is constrained. */
export class Sampler {
  readonly #llama: Llama;
  readonly #context: LlamaContext;
  readonly #candidates: Candidates;
  /** Undefined where the likeliest token is all that is wanted. */
  readonly #chain: SamplerHandle | undefined;
  readonly #filter: TokenFilter | undefined;
  readonly #restriction: Restriction;
  /** Tokens of the text so far. */
  #length = 0;
  /** The chain looks at the tokens that were drawn before. */
  readonly #hasHistory: boolean;

  constructor(
    llama: Llama,
    context: LlamaContext,
    candidates: Candidates,
    parameters: Sampling,
    prompt: Int32Array,
    filter?: TokenFilter,
    ends: readonly number[] = [],
  ) {
    this.#llama = llama;
    this.#context = context;
    this.#candidates = candidates;
    this.#filter = filter;
    this.#restriction = new Restriction(parameters, ends, context.model.vocabulary.size);
    this.#hasHistory = hasPenalties(parameters);
    this.#chain =
      isPlainGreedy(parameters) && this.#restriction.isEmpty
        ? undefined
        : createChain(llama, context, parameters, prompt);
  }

  /** Draws the token that follows batch row `row` and takes it into the sampler's own history. */
  sample(row: number): number {
    const token = this.#choose(row);
    this.#length++;
    return token;
  }

  #choose(row: number): number {
    // Building llama.cpp's array of candidates costs more than looking for the largest logit.
    if (this.#chain === undefined) return argmax(this.#context.logits(row));
    const isRestricted = this.#restriction.appliesAt(this.#length);
    if (this.#filter === undefined && !isRestricted) return this.#draw(this.#chain, row);
    const token = this.#sampleConstrained(this.#chain, this.#filter, isRestricted, row);
    this.#filter?.accept(token);
    return token;
  }

  /** Takes a token that was not drawn into the sampler's own history. */
  accept(token: number): void {
    this.#length++;
    if (this.#chain !== undefined) this.#llama.llama_sampler_accept(this.#chain, token);
    this.#filter?.accept(token);
  }

  /** Tokens that will be drawn next in all likelihood, because the form of the text leaves no choice. */
  forcedTokens(limit: number): readonly number[] {
    return this.#filter?.forcedTokens(limit) ?? [];
  }

  get isFinal(): boolean {
    return this.#filter?.isFinal ?? false;
  }

  /**
   * Most tokens that a model wants are allowed: draw freely, test that one, and draw again without it when it is
   * refused, which gives each allowed token the chance that it has among the allowed ones. The whole vocabulary is
   * masked only when draws keep being refused.
   */
  #sampleConstrained(
    chain: SamplerHandle,
    filter: TokenFilter | undefined,
    isRestricted: boolean,
    row: number,
  ): number {
    const refused: number[] = [];
    const isAllowed = (token: number) => filter === undefined || filter.allows(token);
    // A draw goes into the history of the chain, where a refused token must not be.
    if (!this.#hasHistory && !isRestricted) {
      const wanted = this.#draw(chain, row);
      if (isAllowed(wanted)) return wanted;
      refused.push(wanted);
    }
    const candidates = this.#candidates;
    const logits = this.#context.logits(row);
    let mask: Uint32Array | undefined;
    for (;;) {
      candidates.fill(logits);
      if (isRestricted) this.#restriction.apply(candidates, this.#length);
      if (mask !== undefined) candidates.forbidUnset(mask);
      for (const token of refused) candidates.forbid(token);
      const wanted = this.#select(chain);
      if (candidates.isForbiddenSelected) break;
      if (wanted !== undefined && isAllowed(wanted)) return this.#accepted(chain, wanted);
      // Nothing is left: what a chain's truncation took for all of the mass was refused.
      if (wanted === undefined && mask !== undefined) break;
      if (wanted !== undefined) refused.push(wanted);
      if (refused.length > MAX_REDRAWS) mask ??= filter?.mask();
    }
    throw new InvalidRequestError(
      "The form of the text and what the request forbids (logit_bias, allowed_token_ids, min_tokens, ignore_eos) together allow no token of the model's vocabulary.",
    );
  }

  #draw(chain: SamplerHandle, row: number): number {
    return this.#llama.llama_sampler_sample(chain, this.#context.handle, row);
  }

  #select(chain: SamplerHandle): number | undefined {
    this.#llama.llama_sampler_apply(chain, this.#candidates.address);
    return this.#candidates.selected;
  }

  #accepted(chain: SamplerHandle, token: number): number {
    this.#llama.llama_sampler_accept(chain, token);
    return token;
  }

  free(): void {
    if (this.#chain !== undefined) this.#llama.llama_sampler_free(this.#chain);
  }
}

/** Nothing but the largest logit decides. */
function isPlainGreedy(parameters: Sampling): boolean {
  return (
    isGreedy(parameters) &&
    !hasPenalties(parameters) &&
    (parameters.logitBias ?? []).length === 0 &&
    parameters.constraint === undefined
  );
}

function createChain(
  llama: Llama,
  context: LlamaContext,
  parameters: Sampling,
  prompt: Int32Array,
): SamplerHandle {
  const chain = llama.llama_sampler_chain_init({ no_perf: true });
  const place = {
    vocabularySize: context.model.vocabulary.size,
    contextPerSequence: context.contextPerSequence,
    prompt,
  };
  for (const { sampler } of samplerStages(llama, parameters, place))
    llama.llama_sampler_chain_add(chain, sampler);
  return chain;
}
