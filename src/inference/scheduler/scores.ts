import type { ScoredToken, TokenScore } from "../engine.ts";

/** What scoring needs to know of tokens. */
interface TokenBytes {
  piece(token: number): Uint8Array;
}

/**
 * Log-softmax of the model's own logits at `token`, and the `top` likeliest tokens beside it, likeliest first.
 * Shape of `logits`: [vocabulary]. Taken before temperature, penalties, bias and grammar, as OpenAI's log-probabilities are.
 */
export function scoreToken(logits: Float32Array, token: number, top: number, texts: TokenBytes): ScoredToken {
  const shift = logSumExp(logits);
  const score = (id: number): TokenScore => ({
    token: id,
    logprob: (logits[id] as number) - shift,
    bytes: texts.piece(id),
  });
  return { ...score(token), top: likeliest(logits, top).map(score) };
}

/** log Σ exp(logit), around the maximum: nothing overflows. */
function logSumExp(logits: Float32Array): number {
  let max = Number.NEGATIVE_INFINITY;
  for (const logit of logits) if (logit > max) max = logit;
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - max);
  return max + Math.log(sum);
}

/** Indices of the `count` largest logits, largest first; one pass with an ordered list as short as `count`. */
export function likeliest(logits: Float32Array, count: number): number[] {
  const best: number[] = [];
  if (count === 0) return best;
  for (let id = 0; id < logits.length; id++) {
    const logit = logits[id] as number;
    if (best.length === count && logit <= (logits[best[count - 1] as number] as number)) continue;
    let at = best.length;
    while (at > 0 && logit > (logits[best[at - 1] as number] as number)) at--;
    best.splice(at, 0, id);
    if (best.length > count) best.pop();
  }
  return best;
}

interface HeldScore {
  readonly score: ScoredToken;
  /** UTF-16 units decoded before and after the token. */
  readonly start: number;
  readonly end: number;
}

/** Scores of generated tokens, held until the text that they stand for goes out. */
export class TokenScores {
  readonly #top: number;
  readonly #texts: TokenBytes;
  #held: HeldScore[] = [];
  #released = 0;

  constructor(top: number, texts: TokenBytes) {
    this.#top = top;
    this.#texts = texts;
  }

  add(logits: Float32Array, token: number, start: number, end: number): void {
    this.#held.push({ score: scoreToken(logits, token, this.#top, this.#texts), start, end });
  }

  /** The tokens whose text is out now that `text` is. */
  release(text: string): readonly ScoredToken[] {
    this.#released += text.length;
    const count = this.#held.findIndex(({ end }) => end > this.#released);
    return this.#held.splice(0, count < 0 ? this.#held.length : count).map(({ score }) => score);
  }

  /** The last tokens. Those that are wholly within a stop string are not shown. */
  end(text: string, stopped: boolean): readonly ScoredToken[] {
    this.#released += text.length;
    return this.#held.filter(({ start }) => !stopped || start < this.#released).map(({ score }) => score);
  }
}

/** Scores of a prompt's own tokens from `first` on, collected chunk by chunk as the prompt is prefilled. */
export class PromptScores {
  /** Prompt tokens whose logits are not needed: what they predict is not scored. */
  readonly unscored: number;
  readonly #prompt: Int32Array;
  readonly #top: number;
  readonly #texts: TokenBytes;
  readonly #scores: ScoredToken[] = [];
  #rows: Array<{ readonly row: number; readonly position: number }> = [];

  constructor(prompt: Int32Array, top: number, texts: TokenBytes, first = 0) {
    this.#prompt = prompt;
    this.#top = top;
    this.#texts = texts;
    this.unscored = Math.max(0, first - 1);
    if (first > 0) return;
    const token = prompt[0] as number;
    // Nothing comes before the first token, so nothing predicts it.
    this.#scores.push({ token, logprob: undefined, bytes: texts.piece(token), top: [] });
  }

  /** Batch row `row` holds the prompt token at `position`, which is not one of the `unscored`. */
  expect(row: number, position: number): void {
    this.#rows.push({ row, position });
  }

  /** Scores each token from the row before it. */
  collect(logits: (row: number) => Float32Array): void {
    for (const { row, position } of this.#rows) {
      const next = this.#prompt[position + 1];
      if (next !== undefined) this.#scores.push(scoreToken(logits(row), next, this.#top, this.#texts));
    }
    this.#rows = [];
  }

  get all(): readonly ScoredToken[] {
    return this.#scores;
  }
}
