import { commonPrefix } from "./common-prefix.ts";

/** Tokens of a request, which only those of the same scope share. */
export interface ScopedTokens {
  readonly tokens: ArrayLike<number>;
  readonly scope: string;
}

/** Tokens of several requests, and how many of them are different: a common beginning counts once. */
export interface TokenCount {
  readonly all: number;
  readonly different: number;
}

export function countTokens(requests: readonly ScopedTokens[]): TokenCount {
  // In order, each one has its longest common beginning with a neighbour.
  const inOrder = requests.toSorted((a, b) => compare(a, b));
  let all = 0;
  let common = 0;
  for (const [index, { tokens, scope }] of inOrder.entries()) {
    const before = inOrder[index - 1];
    all += tokens.length;
    if (before?.scope === scope) common += commonPrefix(before.tokens, tokens);
  }
  return { all, different: all - common };
}

function compare(a: ScopedTokens, b: ScopedTokens): number {
  if (a.scope !== b.scope) return a.scope < b.scope ? -1 : 1;
  const common = commonPrefix(a.tokens, b.tokens);
  return (a.tokens[common] ?? -1) - (b.tokens[common] ?? -1);
}
