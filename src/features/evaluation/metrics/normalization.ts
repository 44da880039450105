import { words } from "./words.ts";

const punctuation = /[!-/:-@[-`{-~]/g;
/** Between characters that are not letters, digits or underscores of any script: JavaScript's `\b` knows ASCII only. */
const article = /(?<![\p{L}\p{N}_])(?:a|an|the)(?![\p{L}\p{N}_])/gu;

/**
 * An answer without what does not matter: lower case, no ASCII punctuation, no English articles, single spaces. The
 * `normalize_answer` of SQuAD's evaluation (Rajpurkar et al. 2016).
 */
export function normalizeAnswer(text: string): string {
  return words(text.toLowerCase().replace(punctuation, "").replace(article, " ")).join(" ");
}
