import type { MetadataBuilder } from "../../gguf/metadata.ts";
import type { ModelConfig } from "../architectures/model-config.ts";
import { isObject } from "../json.ts";
import { byteLevelVocabulary } from "./byte-level.ts";
import { mergedVocabulary, sentencePieceVocabulary } from "./sentencepiece.ts";
import { describeSpecialTokens } from "./special-tokens.ts";
import { readTokenizerFiles, type TokenizerFiles } from "./tokenizer-files.ts";
import { unsupportedTokenizer, type Vocabulary, writeVocabulary } from "./vocabulary.ts";

/**
 * Writes a checkpoint's tokenizer into GGUF metadata. Needs only the small files of the checkpoint.
 * @param vocabularySize rows of the embedding matrix
 * @throws ModelError `unsupported_tokenizer` where the engine would give other token ids than the checkpoint's own
 */
export function describeTokenizer(
  directory: string,
  config: ModelConfig,
  vocabularySize: number,
  metadata: MetadataBuilder,
): void {
  const files = readTokenizerFiles(directory, config.text("model_type"));
  const vocabulary = vocabularyOf(files, vocabularySize);
  writeVocabulary(vocabulary, metadata);
  describeSpecialTokens(files, vocabulary, config, metadata);
}

function vocabularyOf(files: TokenizerFiles, size: number): Vocabulary {
  const { tokenizer, sentencePiece, addedTokens } = files;
  if (!tokenizer) {
    if (sentencePiece) return sentencePieceVocabulary(sentencePiece, addedTokens, size);
    unsupportedTokenizer("the checkpoint has neither tokenizer.json nor tokenizer.model");
  }
  const model = tokenizer["model"];
  if (!isObject(model)) unsupportedTokenizer("tokenizer.json has no model");
  // Files written by old versions leave the type out; their BPE models are known by the merges.
  const type = model["type"] ?? (model["merges"] ? "BPE" : undefined);
  if (type !== "BPE") unsupportedTokenizer(`its model is ${String(type)}`);
  if (model["byte_fallback"] !== true) return byteLevelVocabulary(tokenizer, addedTokens, size);
  // SentencePiece's own scores are exact; those derived from merges are the next best.
  return sentencePiece
    ? sentencePieceVocabulary(sentencePiece, addedTokens, size)
    : mergedVocabulary(tokenizer, addedTokens, size);
}
