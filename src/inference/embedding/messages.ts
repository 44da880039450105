/** The protocol between the server and an embedding process: plain data, by Node's IPC with advanced serialization. */
import type { ProcessNews, WireError } from "../local/messages.ts";

/** What an embedding process loads. */
export interface EmbeddingOptions {
  readonly libraryDirectory: string | undefined;
  /** 0 means one a core, and fewer while others use them. */
  readonly threads: number;
}

/** What it has loaded. */
export interface LoadedEmbedder {
  readonly dimensions: number;
  /** Tokens of one text. */
  readonly maxTokens: number;
  /** Bytes of the process's memory that the model and its buffers take. */
  readonly loadMs: number;
}

export type ToEmbedder =
  | { readonly type: "load"; readonly options: EmbeddingOptions }
  | { readonly type: "embed"; readonly id: number; readonly texts: readonly string[] }
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

export type FromEmbedder = ProcessNews<LoadedEmbedder> | EmbedderNews;
