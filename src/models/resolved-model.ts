import type { FetchOptions } from "./hub/fetch-files.ts";
import type { ProgressListener } from "./progress.ts";

/** A model that is ready to load. */
export interface ResolvedModel {
  /** The GGUF file; of a split model the first part, beside which the others lie. */
  readonly path: string;
  /** What the API reports: `distilgpt2`, `builtin`, `org/name:Q8_0`, or a file's name without its ending. */
  readonly name: string;
  readonly source: ModelSource;
  /** Why another model is served than the default one. */
  readonly notice?: string;
  /** Where the hub announced and the download proved it. */
  readonly sha256?: string;
}

export type ModelSource =
  | { readonly kind: "builtin" }
  | { readonly kind: "file" }
  | { readonly kind: "hub"; readonly repository: string; readonly revision: string; readonly file: string }
  | {
      readonly kind: "converted";
      readonly repository: string;
      readonly revision: string;
      readonly quantization: string;
    };

export interface ResolveOptions {
  /** The GGUF file of the built-in model. */
  readonly builtinPath: string;
  /** Hugging Face's home (`HF_HOME`), whose `hub` folder is the cache; `~/.cache/huggingface` unless given. */
  readonly hfHome?: string | undefined;
  /** Where converted models are kept; `llm-server` in `hfHome` unless given. */
  readonly cacheDir?: string | undefined;
  /** `HF_ENDPOINT`; `https://huggingface.co` unless given. */
  readonly endpoint?: string | undefined;
  /** `HF_TOKEN`. */
  readonly token?: string | undefined;
  /** `HF_HUB_OFFLINE`: the hub is never asked. */
  readonly offline?: boolean | undefined;
  /** `MODEL_QUANT`: what checkpoints are converted to, and preferred among GGUF files. */
  readonly quantization?: string | undefined;
  readonly libraryDirectory?: string | undefined;
  readonly onProgress?: ProgressListener | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Ask the hub for a newer commit even where the model is in the cache. */
  readonly refresh?: boolean | undefined;
  /** How long an unset model name waits for the hub; 5 seconds unless given. */
  readonly reachabilityTimeoutMs?: number | undefined;
  readonly download?:
    | Pick<FetchOptions, "partBytes" | "connections" | "retryDelayMs" | "stallTimeoutMs">
    | undefined;
}
