/** The embeddings port: what the features above know of turning text into vectors. */
export interface Embedder {
  readonly status: EmbeddingStatus;
  /** Names the vector space: vectors of different ids must never be compared. */
  readonly id: string;
  readonly model: string;
  readonly dimensions: number;
  /** Tokens of one text. */
  readonly maxTokens: number;
  /** Whether the first elements of a vector are a vector of fewer dimensions. */
  readonly shortenable: boolean;
  /** Tokens of each text; at least that many, where a text is hopelessly over `maxTokens`. */
  countTokens(texts: readonly string[]): Promise<number[]>;
  /**
   * One unit-length vector per text.
   * @throws ApiError `context_length_exceeded` whose `details.index` names a text over `maxTokens`; UnavailableError
   * when too much is waiting, or the model can't be had now
   */
  embed(texts: readonly string[], options?: EmbedOptions): Promise<Embeddings>;
  /**
   * Text of lists of this model's own token ids.
   * @throws InvalidRequestError whose `details.index` names a list that has none
   */
  detokenize(tokens: ReadonlyArray<readonly number[]>): Promise<string[]>;
  /** Stops taking requests, lets running ones finish for `timeoutMs`, then unloads the model. */
  close(timeoutMs: number): Promise<void>;
}

export interface EmbedOptions {
  readonly signal?: AbortSignal;
  /** Some models take what a text is for as an instruction; left out, the text is embedded as it is. */
  readonly purpose?: "query" | "document";
}

export interface Embeddings {
  readonly vectors: Float32Array[];
  /** Length that each vector had before it was scaled to 1. */
  readonly lengths: readonly number[];
  /** Tokens of each text. */
  readonly tokens: number[];
}
/** For people to read: what becomes of the next request. `idle` starts with it. */
export interface EmbeddingStatus {
  readonly state: "idle" | "loading" | "ready" | "restarting" | "failed" | "stopped";
  readonly message?: string;
}
