import type { TokenScore } from "../../../inference/engine.ts";

/** A generated token with the likeliest others in its place. */
export interface AnswerToken extends TokenScore {
  readonly top: readonly TokenScore[];
}

/** What the score's own place in an answer says of all scores that could have stood there. */
export interface ScorePlace {
  /** Probability of each score from 1 to 10, at index 1 to 10, as far as they are settled; not scaled to 1. */
  readonly settled: readonly number[];
  /**
   * Set where the vocabulary may write 10 as two tokens: the probability of a lone "1", which is 1 or the beginning of 10,
   * and the tokens up to and with it.
   */
  readonly one?: { readonly probability: number; readonly tokens: readonly number[] };
  /** Tokens in the place after the lone "1", where the answer itself went that way. */
  readonly afterOne?: AnswerToken;
}

/** Shares below this are not worth asking about. */
const NEGLIGIBLE = 0.001;

/** Finds the score in `{"score": N, …` and reads the probabilities of its place; undefined when there is none. */
export function scorePlace(tokens: readonly AnswerToken[]): ScorePlace | undefined {
  const pieces = tokens.map(textOf);
  const field = /"score"\s*:\s*/.exec(pieces.join(""));
  if (field === null) return undefined;
  const at = field.index + field[0].length;
  let start = 0;
  let index = 0;
  while (index < pieces.length && start + (pieces[index] as string).length <= at)
    start += (pieces[index++] as string).length;
  const chosen = tokens[index];
  if (chosen === undefined) return undefined;
  // A token may hold what comes before the score as well: a space, a colon.
  const lead = (pieces[index] as string).slice(0, at - start);
  const settled = new Array<number>(11).fill(0);
  let one: TokenScore | undefined;
  let writesTenAtOnce = false;
  for (const candidate of distinct([chosen, ...chosen.top])) {
    const text = textOf(candidate);
    const score = text.startsWith(lead) ? /^(10|[1-9])(?!\d)/.exec(text.slice(lead.length))?.[1] : undefined;
    if (score === undefined) continue;
    writesTenAtOnce ||= score === "10";
    if (text === `${lead}1`) one = candidate;
    else settled[Number(score)] = (settled[Number(score)] as number) + Math.exp(candidate.logprob);
  }
  if (one === undefined) return { settled };
  const probability = Math.exp(one.logprob);
  if (writesTenAtOnce) {
    settled[1] = (settled[1] as number) + probability;
    return { settled };
  }
  const next = tokens[index + 1];
  return {
    settled,
    one: { probability, tokens: [...tokens.slice(0, index).map(({ token }) => token), one.token] },
    ...(chosen.token === one.token && next !== undefined && { afterOne: next }),
  };
}

/** True when it matters whether the lone "1" would have become 10 and the answer does not show it. */
export function needsAfterOne({ settled, one, afterOne }: ScorePlace): boolean {
  if (one === undefined || afterOne !== undefined) return false;
  return one.probability > NEGLIGIBLE * (one.probability + sum(settled));
}

/**
 * Σ score · P(score), over the scores that the form allows. `afterOne` is the token after a lone "1" with the likeliest
 * others; undefined where the expectation can't be known without it.
 */
export function expectedScore(
  place: ScorePlace,
  afterOne: AnswerToken | undefined = place.afterOne,
): number | undefined {
  const shares = [...place.settled];
  if (place.one !== undefined) {
    if (afterOne === undefined && needsAfterOne(place)) return undefined;
    const ten = afterOne === undefined ? 0 : shareOfZero(afterOne);
    shares[1] = (shares[1] as number) + place.one.probability * (1 - ten);
    shares[10] = (shares[10] as number) + place.one.probability * ten;
  }
  const total = sum(shares);
  if (total === 0) return undefined;
  return shares.reduce((mean, share, score) => mean + (score * share) / total, 0);
}

/** Of what may follow a "1", a zero or the end of the number, how much is the zero. */
function shareOfZero(place: AnswerToken): number {
  let zero = 0;
  let end = 0;
  for (const candidate of distinct([place, ...place.top])) {
    const text = textOf(candidate);
    if (text.startsWith("0")) zero += Math.exp(candidate.logprob);
    else if (/^[\s,}]/.test(text)) end += Math.exp(candidate.logprob);
  }
  return zero + end === 0 ? 0 : zero / (zero + end);
}

function distinct(candidates: readonly TokenScore[]): readonly TokenScore[] {
  return [...new Map(candidates.map((candidate) => [candidate.token, candidate])).values()];
}

/** One character a byte: a token need not be whole UTF-8, and all that matters here is ASCII. */
function textOf({ bytes }: TokenScore): string {
  return Buffer.from(bytes).toString("latin1");
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
