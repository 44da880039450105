import { letPoolGiveWay } from "../../platform/niceness.ts";
import type { PromptSection } from "../cache-report.ts";
import type { Prompt, PromptPart } from "../engine.ts";
import type { Vocabulary } from "../llama/vocabulary.ts";
import { promptSections } from "./prompt-sections.ts";
import { unknownToken } from "./request-checks.ts";

/** Bytes of text that are tokenized at once; longer texts go to another thread, because no stream must wait for them. */
const LONG_TEXT = 8192;

/** Turns prompts into tokens. */
export class PromptTokenizer {
  readonly #vocabulary: Vocabulary;
  #poolGivesWay: Promise<void> | undefined;

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary;
  }

  /** Token ids of a prompt. @throws InvalidRequestError for ids that the vocabulary has not */
  async tokenize(prompt: Prompt): Promise<Int32Array> {
    const { bos, addsBos } = this.#vocabulary;
    const pieces: Int32Array[] = [];
    if (prompt.addBos && addsBos && bos !== undefined) pieces.push(Int32Array.of(bos));
    for (const part of prompt.parts) pieces.push(await this.#tokenizePart(part));
    return concatenate(pieces);
  }

  /** The sections that the `tokens` of a prompt are of. */
  sections({ parts, messages = [] }: Prompt, tokens: Int32Array): readonly PromptSection[] {
    const texts = parts.flatMap((part) => (part.type === "text" ? [part.text] : []));
    if (messages.length === 0 || texts.length < parts.length) return [{ tokens: tokens.length }];
    return promptSections(texts.join(""), messages, tokens, (token) => this.#vocabulary.writtenBytes(token));
  }

  /** Fewest tokens that a prompt can have, without tokenizing it. */
  atLeast(prompt: Prompt): number {
    return prompt.parts.reduce((sum, part) => {
      if (part.type === "tokens") return sum + part.tokens.length;
      // Most are short, and then the vocabulary need not be gone through.
      if (part.text.length <= LONG_TEXT) return sum;
      return sum + Math.floor(Buffer.byteLength(part.text) / this.#vocabulary.longestPiece);
    }, 0);
  }

  async #tokenizePart(part: PromptPart): Promise<Int32Array> {
    if (part.type === "text") {
      const options = { addSpecial: false, parseSpecial: part.parseSpecial };
      if (part.text.length <= LONG_TEXT) return this.#vocabulary.tokenize(part.text, options);
      this.#poolGivesWay ??= letPoolGiveWay();
      await this.#poolGivesWay;
      return this.#vocabulary.tokenizeElsewhere(part.text, options);
    }
    const { size } = this.#vocabulary;
    const unknown = part.tokens.find((token) => token < 0 || token >= size);
    if (unknown !== undefined) throw unknownToken(unknown, size, "prompt");
    return Int32Array.from(part.tokens);
  }
}

function concatenate(pieces: readonly Int32Array[]): Int32Array {
  const all = new Int32Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
