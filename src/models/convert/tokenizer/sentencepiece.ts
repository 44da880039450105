import { isArray, isObject, type Json, type JsonObject } from "../json.ts";
import { parseSentencePieceModel } from "./sentencepiece-model.ts";
import type { AddedToken } from "./tokenizer-files.ts";
import {
  layOutTokens,
  looksSpecial,
  type Token,
  type TokenType,
  tokenTypes,
  unsupportedTokenizer,
  type Vocabulary,
} from "./vocabulary.ts";

const spaceMark = "▁";

/** SentencePiece's own file as the engine's `llama` vocabulary: pieces and scores as they are. */
export function sentencePieceVocabulary(
  bytes: Buffer,
  added: readonly AddedToken[],
  size: number,
): Vocabulary {
  const model = parseSentencePieceModel(bytes);
  if (model.modelType !== 2)
    unsupportedTokenizer("tokenizer.model is not a BPE model (unigram models merge differently)");
  const tokens = new Map<number, Token>();
  for (const [id, { text, score, type }] of model.pieces.entries()) {
    if (!isTokenType(type))
      unsupportedTokenizer(`piece ${id} of tokenizer.model has the unknown type ${type}`);
    tokens.set(id, { text, score, type });
  }
  placeAddedTokens(tokens, added);
  return vocabularyOf(tokens, size, model.addDummyPrefix);
}

/**
 * A tokenizer.json that was made from a SentencePiece BPE model (Llama 2, TinyLlama, Mistral). It lists merges where
 * SentencePiece has scores; the engine merges by score of the result, so a token's score is minus the rank of its
 * first merge. That is the same order only where every way to split a token is a merge: checked below.
 */
export function mergedVocabulary(
  tokenizer: JsonObject,
  added: readonly AddedToken[],
  size: number,
): Vocabulary {
  const model = tokenizer["model"];
  if (!isObject(model) || !isObject(model["vocab"])) unsupportedTokenizer("tokenizer.json has no vocabulary");
  const idOf = new Map<string, number>();
  for (const [text, id] of Object.entries(model["vocab"])) {
    if (typeof id !== "number" || !Number.isInteger(id) || id < 0) {
      unsupportedTokenizer(`the token ${JSON.stringify(text)} has no valid id`);
    }
    idOf.set(text, id);
  }
  const ranks = mergeRanks(model["merges"]);
  requireCompleteMerges(idOf, ranks.pairs);
  const unknown = model["unk_token"];
  const tokens = new Map<number, Token>();
  for (const [text, id] of idOf) {
    if (tokens.has(id)) unsupportedTokenizer(`two tokens have the id ${id}`);
    tokens.set(id, { text, ...typeAndScore(text, text === unknown, ranks) });
  }
  placeAddedTokens(tokens, added, typeof unknown === "string" ? unknown : undefined);
  return vocabularyOf(tokens, size, addsSpacePrefix(tokenizer));
}

function vocabularyOf(tokens: ReadonlyMap<number, Token>, size: number, addSpacePrefix: boolean): Vocabulary {
  return {
    model: "llama",
    preTokenizer: "default",
    tokens: layOutTokens(tokens, size),
    merges: [],
    addSpacePrefix,
  };
}

function isTokenType(type: number): type is TokenType {
  return Object.values<number>(tokenTypes).includes(type);
}

/** Tokens added after training override the piece of their id; the engine wants real spaces in them. */
function placeAddedTokens(tokens: Map<number, Token>, added: readonly AddedToken[], unknown = "<unk>"): void {
  for (const { id, text, special } of added) {
    if (text === unknown) continue;
    const isControl = special || looksSpecial(text);
    tokens.set(
      id,
      isControl
        ? { text, type: tokenTypes.control, score: -1000 }
        : { text: text.replaceAll(spaceMark, " "), type: tokenTypes.userDefined, score: -1000 },
    );
  }
}

interface MergeRanks {
  /** Of the first merge that makes a token. */
  readonly ofResult: ReadonlyMap<string, number>;
  /** `left right`. */
  readonly pairs: ReadonlySet<string>;
}

function mergeRanks(merges: Json | undefined): MergeRanks {
  if (!isArray(merges)) unsupportedTokenizer("tokenizer.json has no merges");
  const ofResult = new Map<string, number>();
  const pairs = new Set<string>();
  for (const [rank, merge] of merges.entries()) {
    const [left, right] = typeof merge === "string" ? merge.split(" ") : isArray(merge) ? merge : [];
    if (typeof left !== "string" || typeof right !== "string") {
      unsupportedTokenizer(`the merge ${JSON.stringify(merge)} is not two tokens`);
    }
    pairs.add(`${left} ${right}`);
    if (!ofResult.has(left + right)) ofResult.set(left + right, rank);
  }
  return { ofResult, pairs };
}

function typeAndScore(text: string, isUnknown: boolean, ranks: MergeRanks): Omit<Token, "text"> {
  if (isUnknown) return { type: tokenTypes.unknown, score: 0 };
  if (/^<0x[0-9A-F]{2}>$/.test(text)) return { type: tokenTypes.byte, score: 0 };
  const rank = ranks.ofResult.get(text);
  // Single characters are never merged into: their score is never read.
  return { type: tokenTypes.normal, score: rank === undefined ? -1e6 : -rank };
}

/** Old converters dropped the merges of one token (whose score is zero); more than a few missing means real BPE. */
const tolerableMissingShare = 0.002;

function requireCompleteMerges(idOf: ReadonlyMap<string, number>, pairs: ReadonlySet<string>): void {
  let splits = 0;
  let missing = 0;
  for (const text of idOf.keys()) {
    const characters = [...text];
    for (let at = 1; at < characters.length; at++) {
      const left = characters.slice(0, at).join("");
      const right = characters.slice(at).join("");
      if (!idOf.has(left) || !idOf.has(right)) continue;
      splits++;
      if (!pairs.has(`${left} ${right}`)) missing++;
    }
  }
  if (missing > Math.max(2, splits * tolerableMissingShare)) {
    unsupportedTokenizer(
      `${missing} of ${splits} possible merges are missing, so it was not made from a SentencePiece model and the ` +
        "engine would merge differently",
    );
  }
}

/** A normalizer that prepends the mark (older files), or a Metaspace pre-tokenizer that does (newer ones). */
function addsSpacePrefix(tokenizer: JsonObject): boolean {
  const steps = [tokenizer["normalizer"], tokenizer["pre_tokenizer"]].flatMap(flatten);
  for (const step of steps) {
    switch (step["type"]) {
      case "Prepend":
        return true;
      case "Replace":
        break;
      case "Metaspace":
        return (
          (step["prepend_scheme"] ?? (step["add_prefix_space"] === false ? "never" : "always")) !== "never"
        );
      default:
        unsupportedTokenizer(`it uses the step ${String(step["type"])}`);
    }
  }
  return false;
}

function flatten(step: Json | undefined): readonly JsonObject[] {
  if (!isObject(step)) return [];
  const children = step["normalizers"] ?? step["pretokenizers"];
  return step["type"] === "Sequence" && isArray(children) ? children.flatMap(flatten) : [step];
}
