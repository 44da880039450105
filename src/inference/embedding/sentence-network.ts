import { InvalidRequestError } from "../../errors.ts";
import type { Llama } from "../llama/bindings.ts";
import { SentenceEncoder } from "../llama/sentence-encoder.ts";
import type { EmbeddingNetwork } from "./network.ts";
import type { UnigramTokenizer } from "./unigram.ts";
import { readUniversalSentenceEncoder, universalSentenceEncoder } from "./universal-sentence-encoder.ts";

/** The Universal Sentence Encoder (lite) that is installed with the server. */
export class SentenceNetwork implements EmbeddingNetwork {
  readonly space = universalSentenceEncoder.id;
  readonly dimensions = universalSentenceEncoder.dimensions;
  readonly maxTokens = universalSentenceEncoder.maxTokens;
  /** The attention mask grows with the square of it: 128 is as fast as more (docs/embeddings.md). */
  readonly batchTokens = 128;
  readonly batchTexts = 128;
  readonly #encoder: SentenceEncoder;
  readonly #tokenizer: UnigramTokenizer;

  /** @throws LlamaError when the package or memory is missing */
  constructor(llama: Llama, threads: number) {
    const { weights, tokenizer } = readUniversalSentenceEncoder();
    this.#encoder = new SentenceEncoder(llama, weights);
    this.#encoder.setThreads(threads);
    this.#tokenizer = tokenizer;
  }

  tokenize(text: string): Int32Array {
    return this.#tokenizer.tokenize(text);
  }

  /** Its tokenizer is quick for every text. */
  atLeast(): number {
    return 0;
  }

  detokenize(tokens: readonly number[]): string {
    const text = this.#tokenizer.detokenize(tokens);
    if (text !== undefined) return text;
    throw new InvalidRequestError(
      `A token is not in this model's vocabulary of ${this.#tokenizer.size}: tokens of another model's tokenizer mean something else here. Send text.`,
    );
  }

  encode(texts: readonly Int32Array[]): Float32Array[] {
    // The network's last step: every vector has length 1.
    return this.#encoder.encode(texts).map((vector) => {
      const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
      return vector.map((value) => value / length);
    });
  }

  setThreads(threads: number): void {
    this.#encoder.setThreads(threads);
  }
}
