import type { MetadataBuilder } from "../../src/models/gguf/metadata.ts";

/** `enum llama_token_type`. */
const NORMAL = 1;
const CONTROL = 3;

/** GPT-2's letter for the space before a word. */
const SPACE = "Ġ";
const LETTERS = [..."abcdefghijklmnopqrstuvwxyz"];
/** Id of the end-of-text token; the 256 byte tokens come before it. */
const END_OF_TEXT = 256;

/**
 * Tokens whose embedding rows are zero. With tied embeddings their logit is then exactly 0, and the largest of tens
 * of thousands of random logits never is: no generation ends early, on any server, and no byte of half a UTF-8
 * character is generated, which servers hold back.
 */
export const SILENT_TOKENS = END_OF_TEXT + 1;

/** GPT-2's visible character for each byte: printable ones stand for themselves, the rest follow from U+0100. */
function byteCharacters(): readonly string[] {
  const isPrintable = (byte: number) =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(isPrintable(byte) ? byte : next++));
}

export interface SyntheticVocabulary {
  readonly tokens: readonly string[];
  /** Each line merges two tokens into the one that follows the last one made. */
  readonly merges: readonly string[];
}

/**
 * A byte-level BPE vocabulary of `size` tokens: the bytes, the end of text, and words that grow letter by letter
 * (" a", " ab", " abc", then as many of four letters as fit). There is one way to merge a word: every word of three
 * letters is one token, and text tokenizes alike everywhere.
 */
export function syntheticVocabulary(size: number): SyntheticVocabulary {
  const tokens = [...byteCharacters(), "<|endoftext|>"];
  const merges: string[] = [];
  let stems = [SPACE];
  while (tokens.length < size) {
    const longer: string[] = [];
    for (const stem of stems) {
      for (const letter of LETTERS) {
        if (tokens.length === size) return { tokens, merges };
        merges.push(`${stem} ${letter}`);
        tokens.push(stem + letter);
        longer.push(stem + letter);
      }
    }
    stems = longer;
  }
  return { tokens, merges };
}

export function describeVocabulary(metadata: MetadataBuilder, size: number, preTokenizer: string): void {
  const { tokens, merges } = syntheticVocabulary(size);
  metadata
    .string("tokenizer.ggml.model", "gpt2")
    .string("tokenizer.ggml.pre", preTokenizer)
    .strings("tokenizer.ggml.tokens", tokens)
    .int32s(
      "tokenizer.ggml.token_type",
      tokens.map((_, id) => (id === END_OF_TEXT ? CONTROL : NORMAL)),
    )
    .strings("tokenizer.ggml.merges", merges)
    .uint32("tokenizer.ggml.bos_token_id", END_OF_TEXT)
    .uint32("tokenizer.ggml.eos_token_id", END_OF_TEXT)
    .bool("tokenizer.ggml.add_bos_token", false);
}
