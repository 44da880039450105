/**
 * The engine port: what the features above know of inference. `local/` implements it with llama.cpp in a process of
 * its own; an upstream over HTTP can stand in for it. Plain data in, plain data out.
 */

import type { CacheView, PrefixReport } from "./cache-report.ts";
import type { CacheTier } from "./cache-tier.ts";
import type { FlashAttentionChoice } from "./flash-attention.ts";
import type { GenerationParts } from "./generation-parts.ts";
import type { KvLayoutChoice } from "./kv-layout.ts";
import type { Lane } from "./lane.ts";
import type { ModelIdentity } from "./model-identity.ts";
import type { Sampling } from "./sampling.ts";
import type { Thoughts } from "./thoughts.ts";

/** A message's place in the text of a prompt, in UTF-16 units. */
export interface MessageSpan {
  readonly index: number;
  readonly role: string;
  readonly from: number;
  readonly until: number;
}

/** A stretch of prompt: text to tokenize, or tokens as they are. */
export type PromptPart =
  | {
      readonly type: "text";
      readonly text: string;
      /** Read special tokens' texts as the tokens; only for text that the server or a template wrote. */
      readonly parseSpecial: boolean;
    }
  | { readonly type: "tokens"; readonly tokens: readonly number[] };

export interface Prompt {
  readonly parts: readonly PromptPart[];
  /** Put the model's beginning-of-sequence token first, when the model's tokenizer does so by itself. */
  readonly addBos: boolean;
  /** What of the parts' text together is from which message, in order; for accounts, never for the answer. */
  readonly messages?: readonly MessageSpan[];
}

export interface GenerationRequest {
  readonly prompt: Prompt;
  /** Tokens to generate at most; all that fit the context window when left out; 0 only reads the prompt. */
  readonly maxTokens?: number;
  /** The context window ends an answer that `maxTokens` would let outgrow it; otherwise such a request is refused. */
  readonly endsAtWindow?: true;
  readonly sampling: Sampling;
  /** Generation ends before the first of these texts, which is not part of the output. */
  readonly stop: readonly string[];
  /** Special tokens in these texts are part of the output; all others are left out of it. */
  readonly shownTexts?: readonly string[];
  /** How the answer's thoughts are recognised; stop strings don't end them. */
  readonly thoughts?: Thoughts;
  /** Score every generated token, with this many of the likeliest beside it. */
  readonly logprobs?: number;
  /** Score prompt tokens likewise; these are computed and not taken from the cache. */
  readonly promptLogprobs?: number;
  /** Score from this prompt token on, counted from 0 with the beginning-of-sequence token; from the first when left out. */
  readonly promptLogprobsFrom?: number;
  /** The client fixed the outcome, by temperature 0 or a seed: an earlier answer to the same request may stand for this one. */
  readonly reusable?: boolean;
  /** Compute it in steps of its own, whole, without cached keys and values and without drafts: the same again gives the same bits. */
  readonly reproducible?: true;
}

/** How likely a token was, by the model's own logits. */
export interface TokenScore {
  readonly token: number;
  /** Natural logarithm of the probability. */
  readonly logprob: number;
  /** What the token stands for; not always whole UTF-8 characters. */
  readonly bytes: Uint8Array;
}

export interface ScoredToken extends Omit<TokenScore, "logprob"> {
  /** Undefined for the first token of a prompt, which nothing predicts. */
  readonly logprob: number | undefined;
  /** The likeliest tokens in this place, likeliest first. */
  readonly top: readonly TokenScore[];
}

export type FinishReason = "stop" | "length" | "cancelled";

/** Milliseconds of one generation; the three parts add up to the time from arrival to last token. */
export interface GenerationTimings {
  /** Arrival to the first prefill step: template, tokenization, hand-over and waiting for a sequence. */
  readonly queueMs: number;
  /** First prefill step to first token. */
  readonly prefillMs: number;
  /** First token to last token. */
  readonly decodeMs: number;
  /** What the three were spent on; absent where nothing was computed. */
  readonly parts?: GenerationParts;
}

export interface Usage {
  readonly promptTokens: number;
  /** Of these, taken from the KV cache of another or an earlier sequence instead of computed. */
  readonly cachedPromptTokens: number;
  /** Where those were found; absent where there are none. */
  readonly cachedFrom?: CacheTier;
  /** Without the end-of-sequence token. */
  readonly completionTokens: number;
  /** Of these, thoughts and their markers. */
  readonly reasoningTokens: number;
  /** Tokens that speculation drafted, and how many of them were right. */
  readonly draftedTokens: number;
  readonly acceptedTokens: number;
}

/** What is known of a generation when it has a sequence. */
export interface GenerationStart {
  readonly promptTokens: number;
  readonly cachedPromptTokens: number;
  /** Tokens that prompt and answer may have together; absent, like what follows, for an earlier answer, of which nothing is computed. */
  readonly contextWindow?: number;
  readonly prefix?: PrefixReport;
}

/** Where a generation is that has no text yet. */
export type GenerationProgress =
  /** Without a sequence. */
  | {
      readonly phase: "queue";
      /** Requests that are before it in the queue. */
      readonly ahead: number;
      /** Until it starts, by how fast requests end now; undefined while too few have. */
      readonly expectedMs: number | undefined;
    }
  | {
      readonly phase: "prompt";
      readonly promptTokens: number;
      readonly cachedPromptTokens: number;
      /** Prompt tokens that are in the sequence, the cached ones among them. */
      readonly processedTokens: number;
      /** Since it got its sequence. */
      readonly elapsedMs: number;
    };

export type GenerationEvent =
  /** Once and first, when the request has a sequence. */
  | ({ readonly type: "started" } & GenerationStart)
  /** Before any text, where `reportsProgress` asks for it; what a slow reader missed is left out. */
  | { readonly type: "progress"; readonly progress: GenerationProgress }
  /** The prompt's own tokens, as far as they are scored, once and before any text, when `promptLogprobs` was asked for. */
  | { readonly type: "prompt"; readonly tokens: readonly ScoredToken[] }
  | {
      readonly type: "text";
      readonly text: string;
      /** The tokens whose text this completes, when `logprobs` was asked for. */
      readonly tokens?: readonly ScoredToken[];
    }
  | {
      readonly type: "done";
      readonly finishReason: FinishReason;
      /** The stop string that ended the text, when one did. */
      readonly stopText?: string;
      /** An earlier answer to the same request; nothing was computed for this one. */
      readonly cached?: true;
      readonly usage: Usage;
      readonly timings: GenerationTimings;
    };

/** Facts of the loaded model. */
export interface ModelDescription extends ModelIdentity {
  readonly name: string;
  readonly path: string;
  readonly source: string;
  readonly architecture: string;
  readonly layers: number;
  readonly attentionHeads: number;
  readonly kvHeads: number;
  readonly hiddenSize: number;
  readonly vocabularySize: number;
  readonly parameters: number;
  readonly quantization: string;
  readonly fileSizeBytes: number;
  readonly trainingContext: number;
  readonly kvCacheBytesPerToken: number;
  /** Of layers that keep a state of fixed size, beside the tokens' bytes; 0 for most models. */
  readonly stateBytesPerSequence: number;
  readonly sequences: number;
  /** How sequences lie in the KV cache now, and why. */
  readonly kvLayout: KvLayoutChoice;
  readonly flashAttention: FlashAttentionChoice;
  readonly threads: number;
  readonly chatTemplate: string | undefined;
  /** For conversations with tools, where that is another one. */
  readonly toolTemplate: string | undefined;
  readonly bosText: string;
  readonly eosText: string;
  /** Texts that the tokenizer reads as special tokens when asked to. */
  readonly specialTexts: readonly string[];
  readonly loadMs: number;
}

export type EngineState =
  /** Not in memory; a request may have it loaded. */
  | { readonly status: "unloaded" }
  | { readonly status: "preparing"; readonly phase: string; readonly progress: number }
  | { readonly status: "ready" }
  /** `delayMs` is the pause before the attempt. */
  | { readonly status: "restarting"; readonly attempt: number; readonly delayMs: number }
  | { readonly status: "failed"; readonly message: string }
  | { readonly status: "draining" }
  | { readonly status: "stopped" };

/** Live numbers, as of the engine's last step. */
export interface EngineStats {
  /** Requests accepted and not yet in a sequence. */
  readonly queueDepth: number;
  readonly runningSequences: number;
  /** Share of the KV cache that running sequences hold, 0 to 1. */
  readonly kvCacheUsage: number;
  /** Prompt tokens taken from the cache since start. */
  readonly prefixCacheHitTokens: number;
  readonly restarts: number;
  /** Compute threads of the latest step. */
  readonly threads: number;
  /** Milliseconds spent in steps since start, and the part of it in native decode and sampling. */
  readonly stepMs: number;
  readonly computeMs: number;
  /** Steps since start that computed no prompt, and the passes over the weights that they took. */
  readonly decodeSteps: number;
  readonly decodePasses: number;
  /** Engines whose sequences lie in one shared buffer now: 0 or 1 for one engine. */
  readonly sharedKvCaches: number;
  /** Changes of the layout since start. */
  readonly kvLayoutChanges: number;
}

/** How a generation ended. */
export type GenerationEnd = Pick<
  Extract<GenerationEvent, { type: "done" }>,
  "finishReason" | "cached" | "usage" | "timings"
>;

/** Told of the generations of a request. */
export interface GenerationSink {
  /** A generation begins; its own time starts at `arrivedAt`. */
  began(request: GenerationRequest, arrivedAt: number, model: ModelDescription): GenerationObserver;
}

/** Told of one generation. */
export interface GenerationObserver {
  /** It has a sequence. */
  started(start: GenerationStart): void;
  /** With the tokens that it has, where they are scored. */
  wrote(text: string, tokens: readonly ScoredToken[]): void;
  ended(end: GenerationEnd): void;
}

/** What a generation has of the request that it is for. */
export interface GenerationContext {
  /** Cancels; the sequence is freed before the next step and the iteration ends with `finishReason` `cancelled`. */
  readonly signal?: AbortSignal;
  /** When the request reached the server, on `monotonicMs`; now when left out. */
  readonly arrivedAt?: number;
  /** Interactive when left out. */
  readonly lane?: Lane;
  /** Requests of another scope can't find what this one leaves in the KV cache; one for all when left out. */
  readonly cacheScope?: string;
  readonly account?: GenerationSink;
  /** Names the request in records of steps. */
  readonly requestId?: string;
  /** Yield `progress` events. */
  readonly reportsProgress?: true;
}

export interface Engine {
  readonly state: EngineState;
  readonly stats: EngineStats;
  /** The loaded model. @throws UnavailableError while none is loaded */
  describe(): ModelDescription;
  /**
   * Streams one generation: pieces of text, then `done`.
   * @throws ApiError `context_length_exceeded`, `invalid_request`; UnavailableError when full, restarting or draining
   */
  generate(request: GenerationRequest, context?: GenerationContext): AsyncIterable<GenerationEvent>;
  /** Token ids of a prompt. `signal` ends the wait for a turn. */
  tokenize(prompt: Prompt, signal?: AbortSignal): Promise<number[]>;
  /** Text of tokens; bytes that are not UTF-8 become U+FFFD. */
  detokenize(tokens: readonly number[], signal?: AbortSignal): Promise<string>;
  /** What the KV cache holds, and how well it serves. @throws UnavailableError while no model is loaded */
  viewCache(): Promise<CacheView>;
  /** Stops taking requests, lets running ones finish for `timeoutMs`, then ends the process. */
  close(timeoutMs: number): Promise<void>;
}
