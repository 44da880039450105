export interface TokenUse {
  readonly inputTokens: number;
  /** Of these, taken from the KV cache. */
  readonly cachedTokens: number;
  readonly outputTokens: number;
  /** Of these, thoughts. */
  readonly reasoningTokens: number;
}

export const noTokens: TokenUse = { inputTokens: 0, cachedTokens: 0, outputTokens: 0, reasoningTokens: 0 };

export function addTokens(a: TokenUse, b: TokenUse): TokenUse {
  return {
    inputTokens: a.inputTokens + b.inputTokens,
    cachedTokens: a.cachedTokens + b.cachedTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    reasoningTokens: a.reasoningTokens + b.reasoningTokens,
  };
}
