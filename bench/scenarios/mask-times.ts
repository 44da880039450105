import type { Form } from "../../src/inference/constraints/expression.ts";
import { TokenForm } from "../../src/inference/constraints/token-form.ts";
import { TokenMatcher } from "../../src/inference/constraints/token-matcher.ts";
import { TokenTable } from "../../src/inference/constraints/token-table.ts";
import { monotonicMs } from "../../src/platform/clock.ts";
import { SeededRandom } from "../load/random.ts";
import { syntheticVocabulary } from "../models/vocabulary.ts";

/** Vocabularies of GPT-2's and Qwen2.5's sizes. */
export const vocabularySizes = [50_257, 151_936] as const;
const WALKS = 8;
const MAX_TOKENS = 120;

/** GPT-2's visible characters, back to the bytes that they stand for. */
function bytesOf(tokens: readonly string[]): readonly Uint8Array[] {
  const byteOf = new Map(tokens.slice(0, 256).map((character, byte) => [character, byte]));
  return tokens.map((token) => Uint8Array.from([...token], (character) => byteOf.get(character) ?? 0));
}

/** A vocabulary of `size` tokens, laid out as the engine does it once when a model is loaded. */
export function tokenTable(size: number): TokenTable {
  const { tokens } = syntheticVocabulary(size);
  const pieces = bytesOf(tokens);
  const end = 256;
  return new TokenTable({
    size,
    piece: (token) => pieces[token] ?? new Uint8Array(),
    isControl: (token) => token === end,
    isEndOfGeneration: (token) => token === end,
    specialText: (token) => tokens[token] ?? "",
  });
}

/**
 * Times of masks in µs: each of `forms` made ready anew and followed by tokens that are drawn from its own masks, so
 * that states are met for the first time as often as in short answers.
 */
export function maskTimes(table: TokenTable, forms: readonly Form[], seed: number): number[] {
  const random = new SeededRandom(seed);
  const times: number[] = [];
  for (const form of forms) {
    const ready = new TokenForm(form, table);
    for (let walk = 0; walk < WALKS; walk++) {
      const matcher = new TokenMatcher(ready);
      for (let count = 0; count < MAX_TOKENS && !matcher.isFinal; count++) {
        const startedAt = monotonicMs();
        const mask = matcher.mask();
        times.push(1000 * (monotonicMs() - startedAt));
        const drawn = draw(matcher, mask, random);
        if (drawn === undefined || table.vocabulary.isEndOfGeneration(drawn)) break;
        matcher.accept(drawn);
      }
    }
  }
  return times;
}

/** One of a mask's tokens; undefined where chance finds none that the matcher takes. */
function draw(matcher: TokenMatcher, mask: Uint32Array, random: SeededRandom): number | undefined {
  const set: number[] = [];
  for (let token = 0; token < mask.length * 32; token++)
    if (((mask[token >> 5] ?? 0) & (1 << (token & 31))) !== 0) set.push(token);
  for (let attempt = 0; attempt < 20; attempt++) {
    const drawn = set[random.integer(set.length)];
    if (drawn !== undefined && matcher.allows(drawn)) return drawn;
  }
  return undefined;
}
