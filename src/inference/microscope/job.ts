import type { Prompt } from "../engine.ts";
import type { AdapterOptions } from "../llama/adapter.ts";
import type { Sampling } from "../sampling.ts";

/** What is to be looked at. */
export interface LookJob {
  readonly libraryDirectory: string | undefined;
  readonly modelPath: string;
  readonly adapter: AdapterOptions | undefined;
  readonly threads: number;
  /** As the engine that is looked into computes it. */
  readonly isFlashAttention: boolean;
  readonly prompt: Prompt;
  /** The answer that was given; undefined has the model write one. */
  readonly answer: Prompt | undefined;
  /** Tokens to write where no answer is given. */
  readonly maxTokens: number;
  readonly sampling: Sampling;
  /** Whose attention is wanted; the mean of all where undefined. */
  readonly layer: number | undefined;
  readonly head: number | undefined;
}

/** Tokens of prompt and answer together: attention is a square of them. */
export const MAX_LOOKED_AT = 512;

export interface TokenText {
  readonly token: number;
  /** A special token's own name; bytes that are no whole character are U+FFFD. */
  readonly text: string;
}

export interface SeenToken extends TokenText {
  readonly bytes: Uint8Array;
  /** Without a text of its own. */
  readonly isSpecial: boolean;
  readonly part: "prompt" | "answer";
  /** Of the message that it is from; undefined for what the template put between, and for texts without messages. */
  readonly role: string | undefined;
  /** By the model's own logits; undefined for the first, which nothing predicts. */
  readonly logprob: number | undefined;
  /** The likeliest in this place, likeliest first. */
  readonly top: ReadonlyArray<TokenText & { readonly logprob: number }>;
}

/** What one stage of the sampler left. */
export interface SeenStage {
  /** `logits` is what the model gave, `form` what the text is held to; the others are the sampler's, by their parameters. */
  readonly name: string;
  /** Tokens that can still be chosen. */
  readonly left: number;
  /** Of the token that stands there; undefined where the stage has removed it. */
  readonly probability: number | undefined;
  readonly top: ReadonlyArray<TokenText & { readonly probability: number }>;
}

/** How a token of the answer was chosen. */
export interface SeenChoice {
  /** Which of the tokens. */
  readonly index: number;
  readonly stages: readonly SeenStage[];
  /** What these logits, parameters and seed choose: another one than stands there where the answer came of others. */
  readonly drawn: TokenText | undefined;
}

export interface SeenHead {
  readonly layer: number;
  readonly head: number;
  /** Mean over the tokens after the first, in bits: 0 looks at one token only. */
  readonly entropyBits: number;
  /** Mean share that goes to the first token, where heads rest that have nothing to look for. */
  readonly firstTokenShare: number;
}

export interface SeenAttention {
  readonly layers: readonly number[];
  readonly heads: readonly SeenHead[];
  /** Row i: what token i gave to each token up to itself. */
  readonly rows: readonly Float32Array[];
}

export interface Look {
  readonly tokens: readonly SeenToken[];
  readonly choices: readonly SeenChoice[];
  /** Undefined for models without attention of this kind. */
  readonly attention: SeenAttention | undefined;
  /** Between these logits and those computed without flash attention, which the attention is from. */
  readonly largestLogitDifference: number;
}
