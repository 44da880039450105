/** A model that makes vectors of texts, loaded in an embedding process. */
export interface EmbeddingNetwork {
  /** Names the vector space. */
  readonly space: string;
  readonly dimensions: number;
  /** Tokens of one text. */
  readonly maxTokens: number;
  /** Tokens that one call computes best. */
  readonly batchTokens: number;
  /** Texts that one call can take. */
  readonly batchTexts: number;
  tokenize(text: string): Int32Array;
  /** Tokens that `text` has at least, found without the tokenizer: some take minutes for a long text without spaces. */
  atLeast(text: string): number;
  /** A question and a text as one input; only ranking models have been trained for it. */
  tokenizePair?(query: string, document: string): Int32Array;
  /** Text of tokens. @throws InvalidRequestError when there is none */
  detokenize(tokens: readonly number[]): string;
  /** A vector of any length for each list of tokens. @throws LlamaError */
  encode(texts: readonly Int32Array[]): readonly Float32Array[];
  setThreads(threads: number): void;
}
