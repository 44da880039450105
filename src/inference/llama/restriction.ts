import type { Sampling } from "../sampling.ts";
import type { Candidates } from "./candidates.ts";
import { allow } from "./token-mask.ts";

/** Tokens that may be drawn at all, and those that may not be drawn yet. */
export class Restriction {
  /** A bit for each token. */
  readonly #allowed: Uint32Array | undefined;
  readonly #ends: readonly number[];
  readonly #stops: readonly number[];
  readonly #minTokens: number;
  readonly #ignoresEnd: boolean;

  /** `ends`: the model's own end tokens. */
  constructor(
    { allowedTokens, stopTokens = [], minTokens = 0, ignoresEnd }: Sampling,
    ends: readonly number[],
    vocabularySize: number,
  ) {
    this.#allowed = allowedTokens && maskOf(allowedTokens, vocabularySize);
    this.#ends = ends;
    this.#stops = stopTokens;
    this.#minTokens = minTokens;
    this.#ignoresEnd = ignoresEnd === true;
  }

  get isEmpty(): boolean {
    return this.#allowed === undefined && !this.#ignoresEnd && this.#minTokens === 0;
  }

  /** Whether it forbids anything to a text that has `length` tokens. */
  appliesAt(length: number): boolean {
    return this.#allowed !== undefined || this.#ignoresEnd || length < this.#minTokens;
  }

  /** Forbids it the tokens among `candidates`, which have their logits already. */
  apply(candidates: Candidates, length: number): void {
    if (this.#allowed !== undefined) candidates.forbidUnset(this.#allowed);
    const isTooShort = length < this.#minTokens;
    if (isTooShort || this.#ignoresEnd) for (const token of this.#ends) candidates.forbid(token);
    if (isTooShort) for (const token of this.#stops) candidates.forbid(token);
  }
}

function maskOf(tokens: readonly number[], vocabularySize: number): Uint32Array {
  const mask = new Uint32Array(Math.ceil(vocabularySize / 32));
  for (const token of tokens) allow(mask, token);
  return mask;
}
