/** The protocol between the server and an embedding process: plain data, by Node's IPC with advanced serialization. */
import type { WireError } from "../process/process-news.ts";

/** The sentence encoder that is installed with the server. */
export interface SentenceNetworkOptions {
  readonly kind: "sentence-encoder";
}

/** A model of a GGUF file. */
export interface GgufNetworkOptions {
  readonly kind: "gguf";
  readonly path: string;
  readonly task: "embed" | "rank";
  /** Tokens of one text; 0 takes what the model was trained for, within reason. */
  readonly contextSize: number;
  readonly gpuLayers: number;
}

/** What an embedding process loads. */
export interface EmbeddingOptions {
  readonly network: SentenceNetworkOptions | GgufNetworkOptions;
  readonly libraryDirectory: string | undefined;
  /** 0 means one per core, and fewer while others use them. */
  readonly threads: number;
}

/** What it has loaded. */
export interface LoadedEmbedder {
  /** Names the vector space, by the content of what was loaded. */
  readonly space: string;
  /** Elements of a vector; of a ranking model, 1. */
  readonly dimensions: number;
  /** Tokens of one text, or of a question and a text. */
  readonly maxTokens: number;
  readonly loadMs: number;
}

export type ToEmbedder =
  | { readonly type: "load"; readonly options: EmbeddingOptions }
  | { readonly type: "embed"; readonly id: number; readonly texts: readonly string[] }
  /** One score a text instead of a vector. */
  | { readonly type: "rank"; readonly id: number; readonly query: string; readonly texts: readonly string[] }
  | { readonly type: "count"; readonly id: number; readonly texts: readonly string[] }
  | { readonly type: "detokenize"; readonly id: number; readonly tokens: ReadonlyArray<readonly number[]> }
  | { readonly type: "cancel"; readonly id: number };

export type EmbedderNews =
  | {
      readonly type: "embedded";
      readonly id: number;
      /** One after the other, as the network makes them: of any length. */
      readonly vectors: Float32Array;
      readonly tokens: readonly number[];
    }
  | { readonly type: "counted"; readonly id: number; readonly tokens: readonly number[] }
  | { readonly type: "texts"; readonly id: number; readonly texts: readonly string[] }
  | { readonly type: "refused"; readonly id: number; readonly error: WireError };
