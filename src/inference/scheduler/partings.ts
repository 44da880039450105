import { commonPrefix } from "../kv-cache/common-prefix.ts";
import type { Sequence } from "./sequence.ts";

/** A common beginning shorter than this costs little to compute again. */
const MIN_COMMON_TOKENS = 16;
/**
 * Tokens before a prompt's end: what opens an answer is not always there when the answer stands in the history, as
 * with templates that drop earlier thoughts. llama.cpp's server keeps a state at the same distance.
 */
const BEFORE_END = 4;

/**
 * Chooses where in a prompt the state of a memory that can't be cut is kept, for later prompts to begin from there:
 * where prompts have parted, as they do behind a common system prompt, and shortly before the end, where the next turn
 * of a conversation parts from this one.
 */
export class Partings {
  /** Before `sequence` waits: running prompts keep the state that it could begin from. */
  expect(sequence: Sequence, running: readonly Sequence[]): void {
    for (const other of running) pauseAtParting(other, sequence);
  }

  /** When `sequence` is about to run and has in common with earlier prompts its first `knownTokens`. */
  plan(sequence: Sequence, knownTokens: number, waiting: readonly Sequence[]): void {
    if (knownTokens >= MIN_COMMON_TOKENS) sequence.pauseAt(knownTokens);
    sequence.pauseAt(sequence.prompt.length - BEFORE_END);
    for (const other of waiting) pauseAtParting(sequence, other);
  }
}

function pauseAtParting(sequence: Sequence, other: Sequence): void {
  const common = Math.min(commonPrefix(sequence.prompt, other.prompt), other.prompt.length - 1);
  if (common >= MIN_COMMON_TOKENS) sequence.pauseAt(common);
}
