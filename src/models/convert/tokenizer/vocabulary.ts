import { ModelError } from "../../errors.ts";
import type { MetadataBuilder } from "../../gguf/metadata.ts";

/** `enum llama_token_type`, which are SentencePiece's piece types. */
export const tokenTypes = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;
export type TokenType = (typeof tokenTypes)[keyof typeof tokenTypes];

export interface Token {
  readonly text: string;
  readonly type: TokenType;
  /** SentencePiece's merge priority; byte-level vocabularies have merges instead. */
  readonly score: number;
}

/** A tokenizer in the engine's terms. */
export interface Vocabulary {
  /** `gpt2` is byte-level BPE, `llama` SentencePiece BPE. */
  readonly model: "gpt2" | "llama";
  /** The engine's name for how text is split before merging. */
  readonly preTokenizer: string;
  readonly tokens: readonly Token[];
  readonly merges: readonly string[];
  readonly addSpacePrefix: boolean;
}

/** A tokenizer that the engine would run differently from the checkpoint's own is refused, never approximated. */
export function unsupportedTokenizer(why: string): never {
  throw new ModelError(
    "unsupported_tokenizer",
    `The checkpoint's tokenizer can't be converted: ${why}. Supported are tokenizer.json files with byte-level BPE ` +
      "(GPT-2, Llama 3, Qwen2, SmolLM splitting) and SentencePiece BPE with byte fallback (Llama 2, Mistral, TinyLlama). " +
      "Choose a repository with GGUF files of this model",
  );
}

/**
 * Lays tokens out by id over exactly `size` rows of the embedding matrix; ids that no token has become unused ones.
 * The engine ends the process when two ids have one text; such a vocabulary is refused here.
 */
export function layOutTokens(tokens: ReadonlyMap<number, Token>, size: number): readonly Token[] {
  const idOfText = new Map<string, number>();
  for (const [id, token] of tokens) {
    if (id >= size) {
      unsupportedTokenizer(
        `token ${JSON.stringify(token.text)} has id ${id}, but the model has ${size} embeddings`,
      );
    }
    // The engine reads token texts as C strings: the rest would be lost, and two such tokens become one.
    if (token.text.includes("\0")) unsupportedTokenizer(`token ${id} contains a NUL character`);
    if (!token.text.isWellFormed()) unsupportedTokenizer(`token ${id} is not valid Unicode`);
    const other = idOfText.get(token.text);
    if (other !== undefined) {
      unsupportedTokenizer(`tokens ${other} and ${id} are both ${JSON.stringify(token.text)}`);
    }
    idOfText.set(token.text, id);
  }
  return Array.from({ length: size }, (_, id) => tokens.get(id) ?? unusedToken(id, idOfText));
}

function unusedToken(id: number, taken: ReadonlyMap<string, number>): Token {
  let text = `[PAD${id}]`;
  while (taken.has(text)) text = `${text}_`;
  return { text, type: tokenTypes.unused, score: -10_000 };
}

/** Tokens that some checkpoints forget to mark as special (llama.cpp, `does_token_look_special`). */
export function looksSpecial(text: string): boolean {
  return (
    ["<pad>", "<mask>", "<2mass>", "[@BOS@]"].includes(text) ||
    (text.startsWith("<|") && text.endsWith("|>")) ||
    (text.startsWith("<｜") && text.endsWith("｜>")) ||
    (text.startsWith("<unused") && text.endsWith(">"))
  );
}

export function writeVocabulary(vocabulary: Vocabulary, metadata: MetadataBuilder): void {
  const { tokens, merges } = vocabulary;
  metadata
    .string("tokenizer.ggml.model", vocabulary.model)
    .string("tokenizer.ggml.pre", vocabulary.preTokenizer)
    .strings(
      "tokenizer.ggml.tokens",
      tokens.map((token) => token.text),
    )
    .int32s(
      "tokenizer.ggml.token_type",
      tokens.map((token) => token.type),
    );
  if (vocabulary.model === "llama") {
    metadata
      .float32s(
        "tokenizer.ggml.scores",
        tokens.map((token) => token.score),
      )
      .bool("tokenizer.ggml.add_space_prefix", vocabulary.addSpacePrefix);
  } else {
    metadata.strings("tokenizer.ggml.merges", merges);
  }
}
