import type { Constraint } from "./constraints/expression.ts";

/** How the next token is chosen. Plain data, from a route down to the sampler chain. */
export interface Sampling {
  /** 0 is greedy: the most likely token, every time. */
  readonly temperature: number;
  /** Keep the smallest set of tokens whose probabilities sum to this; 1 keeps all. */
  readonly topP?: number;
  /** Keep the k most likely tokens; 0 keeps all. */
  readonly topK?: number;
  /** Keep tokens at least this likely, as a share of the most likely one's probability; 0 keeps all. */
  readonly minP?: number;
  /** Divides the logits of the latest tokens, prompt included; 1 changes nothing. */
  readonly repeatPenalty?: number;
  /** How many those are: 64 when left out, all that fit the context window when negative. */
  readonly repeatWindow?: number;
  /** Subtracted once from the logit of every token generated so far. */
  readonly presencePenalty?: number;
  /** Subtracted from a token's logit for each time it was generated. */
  readonly frequencyPenalty?: number;
  /** Added to the logits of the named tokens. */
  readonly logitBias?: ReadonlyArray<{ readonly token: number; readonly bias: number }>;
  /** Draw from these alone. */
  readonly allowedTokens?: readonly number[];
  /** Tokens that end the text besides the model's own, and are not part of it. */
  readonly stopTokens?: readonly number[];
  /** No token that ends the text is drawn before this many others. */
  readonly minTokens?: number;
  /** The model's own end is never drawn. */
  readonly ignoresEnd?: true;
  /** What the text is held to. */
  readonly constraint?: Constraint;
  /** 32-bit; the same seed, prompt and parameters draw the same tokens. */
  readonly seed: number;
}
