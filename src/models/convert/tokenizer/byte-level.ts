import { isArray, isObject, type Json, type JsonObject } from "../json.ts";
import { preTokenizerOf } from "./pre-tokenizer.ts";
import type { AddedToken } from "./tokenizer-files.ts";
import {
  layOutTokens,
  looksSpecial,
  type Token,
  tokenTypes,
  unsupportedTokenizer,
  type Vocabulary,
} from "./vocabulary.ts";

/** A byte-level BPE tokenizer.json (GPT-2, Llama 3, Qwen2, SmolLM) as the engine's `gpt2` vocabulary. */
export function byteLevelVocabulary(
  tokenizer: JsonObject,
  added: readonly AddedToken[],
  size: number,
): Vocabulary {
  const model = tokenizer["model"];
  if (!isObject(model) || !isObject(model["vocab"])) unsupportedTokenizer("tokenizer.json has no vocabulary");
  for (const affix of ["continuing_subword_prefix", "end_of_word_suffix"]) {
    if (model[affix]) unsupportedTokenizer(`it uses ${affix}`);
  }
  requirePlainNormalizer(tokenizer["normalizer"]);
  const tokens = new Map<number, Token>();
  for (const [text, id] of Object.entries(model["vocab"])) {
    if (typeof id !== "number" || !Number.isInteger(id) || id < 0) {
      unsupportedTokenizer(`the token ${JSON.stringify(text)} has no valid id`);
    }
    if (tokens.has(id)) unsupportedTokenizer(`two tokens have the id ${id}`);
    tokens.set(id, { text, type: tokenTypes.normal, score: 0 });
  }
  for (const { id, text, special } of added) {
    const type = special || looksSpecial(text) ? tokenTypes.control : tokenTypes.userDefined;
    tokens.set(id, { text, type, score: 0 });
  }
  return {
    model: "gpt2",
    preTokenizer: preTokenizerOf(tokenizer),
    tokens: layOutTokens(tokens, size),
    merges: mergesOf(model["merges"]),
    addSpacePrefix: false,
  };
}

/** Merges are `"a b"`, or since transformers 4.45 `["a", "b"]`. Byte-level tokens hold no spaces of their own. */
function mergesOf(merges: Json | undefined): readonly string[] {
  if (!isArray(merges)) unsupportedTokenizer("tokenizer.json has no merges");
  return merges.map((merge) => {
    const pair = typeof merge === "string" ? merge.split(" ") : isArray(merge) ? merge : [];
    const [left, right] = pair;
    if (
      pair.length !== 2 ||
      typeof left !== "string" ||
      typeof right !== "string" ||
      /\s/.test(left + right)
    ) {
      unsupportedTokenizer(`the merge ${JSON.stringify(merge)} is not two tokens`);
    }
    return `${left} ${right}`;
  });
}

/** The engine normalises nothing. NFC (Qwen2) changes no text that is already composed, as nearly all text is. */
function requirePlainNormalizer(normalizer: Json | undefined): void {
  if (normalizer === undefined || normalizer === null) return;
  if (isObject(normalizer)) {
    if (normalizer["type"] === "NFC") return;
    if (normalizer["type"] === "Sequence" && isArray(normalizer["normalizers"])) {
      normalizer["normalizers"].forEach(requirePlainNormalizer);
      return;
    }
  }
  unsupportedTokenizer(`it normalises text (${JSON.stringify(normalizer).slice(0, 80)})`);
}
