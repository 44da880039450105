import { TokenForms } from "../constraints/token-forms.ts";
import { TokenMatcher } from "../constraints/token-matcher.ts";
import { TokenTable } from "../constraints/token-table.ts";
import type { Llama } from "../llama/bindings.ts";
import { Candidates } from "../llama/candidates.ts";
import { type SamplerPlace, type SamplerStage, samplerStages } from "../llama/sampler-stages.ts";
import type { Vocabulary } from "../llama/vocabulary.ts";
import type { Sampling } from "../sampling.ts";
import { likeliest } from "../scheduler/scores.ts";
import type { SeenStage, TokenText } from "./job.ts";

/** Likeliest tokens that are shown of each stage. */
const SHOWN = 8;

export interface Choice {
  readonly drawn: number | undefined;
  /** What each stage left, for the token that was chosen or is known to stand there. */
  readonly describe: (token: number) => readonly SeenStage[];
}

type Left = ReturnType<Candidates["left"]>;

/** Chooses tokens as the sampler does, one stage at a time. */
export class Choices {
  readonly #llama: Llama;
  readonly #candidates: Candidates;
  readonly #stages: readonly SamplerStage[];
  readonly #matcher: TokenMatcher | undefined;
  readonly #textOf: (token: number) => TokenText;

  constructor(
    llama: Llama,
    vocabulary: Vocabulary,
    sampling: Sampling,
    place: SamplerPlace,
    textOf: (token: number) => TokenText,
  ) {
    this.#llama = llama;
    this.#candidates = new Candidates(vocabulary.size);
    this.#stages = samplerStages(llama, sampling, place);
    this.#textOf = textOf;
    const { constraint } = sampling;
    if (constraint !== undefined)
      this.#matcher = new TokenMatcher(new TokenForms(new TokenTable(vocabulary)).get(constraint));
  }

  /** What follows `logits`, by each stage. */
  choose(logits: Float32Array): Choice {
    const candidates = this.#candidates;
    candidates.fill(logits);
    const seen: Array<{ readonly name: string; readonly left: Left }> = [
      { name: "logits", left: candidates.left() },
    ];
    if (this.#matcher !== undefined) {
      candidates.forbidUnset(this.#matcher.mask());
      seen.push({ name: "form", left: candidates.left() });
    }
    for (const { name, sampler } of this.#stages) {
      this.#llama.llama_sampler_apply(sampler, candidates.address);
      // These two remove nothing: they choose.
      if (name !== "draw" && name !== "greedy") seen.push({ name, left: candidates.left() });
    }
    const drawn = candidates.selected;
    return {
      drawn,
      describe: (token) => seen.map(({ name, left }) => this.#describe(name, left, token)),
    };
  }

  /** Takes the token that stands there into the histories of the stages. */
  accept(token: number): void {
    for (const { sampler } of this.#stages) this.#llama.llama_sampler_accept(sampler, token);
    this.#matcher?.accept(token);
  }

  free(): void {
    for (const { sampler } of this.#stages) this.#llama.llama_sampler_free(sampler);
  }

  #describe(name: string, { tokens, logits }: Left, token: number): SeenStage {
    const largest = logits.reduce((most, logit) => Math.max(most, logit), Number.NEGATIVE_INFINITY);
    const total = logits.reduce((sum, logit) => sum + Math.exp(logit - largest), 0);
    const probability = (row: number) => Math.exp((logits[row] as number) - largest) / total;
    const own = tokens.indexOf(token);
    const isLeft = own >= 0 && logits[own] !== Number.NEGATIVE_INFINITY;
    return {
      name,
      left: logits.reduce((count, logit) => count + Number(logit !== Number.NEGATIVE_INFINITY), 0),
      probability: isLeft ? probability(own) : undefined,
      top: likeliest(logits, SHOWN)
        .filter((row) => logits[row] !== Number.NEGATIVE_INFINITY)
        .map((row) => ({ ...this.#textOf(tokens[row] as number), probability: probability(row) })),
    };
  }
}
