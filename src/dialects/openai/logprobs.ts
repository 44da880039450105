import { type Static, Type } from "typebox";
import type { ScoredToken, TokenScore } from "../../inference/engine.ts";

const TopLogprob = Type.Object({
  token: Type.String(),
  logprob: Type.Number(),
  bytes: Type.Array(Type.Integer()),
});
export const TokenLogprob = Type.Object({
  ...TopLogprob.properties,
  top_logprobs: Type.Array(TopLogprob),
});
export type TokenLogprob = Static<typeof TokenLogprob>;

/** Stands in for a probability of zero: JSON has no infinity, and OpenAI uses this value for "very unlikely". */
const LEAST_LOGPROB = -9999;

function entry({ logprob = 0, bytes }: Pick<ScoredToken | TokenScore, "logprob" | "bytes">) {
  return {
    token: Buffer.from(bytes).toString("utf8"),
    logprob: Math.max(logprob, LEAST_LOGPROB),
    bytes: [...bytes],
  };
}

/** Chat's form. A token that is part of a character shows U+FFFD; its `bytes` are what counts. */
export function toTokenLogprobs(tokens: readonly ScoredToken[]): TokenLogprob[] {
  return tokens.map((token) => ({ ...entry(token), top_logprobs: token.top.map(entry) }));
}
