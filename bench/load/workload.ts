import { type Distribution, draw } from "./distribution.ts";
import { SeededRandom } from "./random.ts";

/** One generation to ask for. */
export interface GenerationRequest {
  readonly prompt: string;
  readonly newTokens: number;
  /** The answer's text is wanted, which costs the client some time after its end. */
  readonly isTextWanted?: boolean;
  /** The answer may end where the model ends it. Random weights do so by accident alone, and peers are kept from it. */
  readonly mayEnd?: true;
  /** JSON Schema that the answer must keep; it then ends where it is complete, at `newTokens` at the latest. */
  readonly schema?: object;
}

export interface WorkloadShape {
  readonly requests: number;
  /** Words of a prompt, the shared ones included; on the synthetic models a word is a token. */
  readonly promptTokens: Distribution;
  readonly newTokens: Distribution;
  /** Words that all prompts of one group begin with. */
  readonly sharedTokens?: number;
  /** Groups with a beginning of their own; 1 unless given. */
  readonly groups?: number;
  readonly seed: number;
}

const LETTERS = "abcdefghijklmnopqrstuvwxyz";

/**
 * A word of three letters with the space before it. The synthetic vocabularies have every one of them as one token,
 * and prompts have exactly the length that was asked for; other tokenizers make more tokens of it.
 */
export function randomWord(random: SeededRandom): string {
  const at = random.integer(LETTERS.length ** 3);
  return ` ${LETTERS[at % 26]}${LETTERS[Math.floor(at / 26) % 26]}${LETTERS[Math.floor(at / 676)]}`;
}

/** So many words, each with a space before it. */
export function words(count: number, random: SeededRandom): string {
  let text = "";
  for (let word = 0; word < count; word++) text += randomWord(random);
  return text;
}

/** All requests of a run, made before it starts: making them costs no time while it is measured. */
export function makeWorkload(shape: WorkloadShape): readonly GenerationRequest[] {
  const random = new SeededRandom(shape.seed);
  const shared = shape.sharedTokens ?? 0;
  const beginnings = Array.from({ length: shape.groups ?? 1 }, () => words(shared, random.fork()));
  return Array.from({ length: shape.requests }, (_, index) => {
    const own = random.fork();
    const length = draw(shape.promptTokens, own);
    const beginning = beginnings[index % beginnings.length] ?? "";
    return {
      prompt: beginning + words(Math.max(1, length - shared), own),
      newTokens: draw(shape.newTokens, own),
    };
  });
}
