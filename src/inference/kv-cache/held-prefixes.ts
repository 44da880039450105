import type { PrefixView } from "../cache-report.ts";
import type { RememberedText } from "./prompt-history.ts";
import type { Slot } from "./slots.ts";
import { type TokenNode, TokenTree } from "./token-tree.ts";

/** Stretches that are told of; the rest are the shallow ends of many different prompts. */
const MAX_NODES = 500;

interface Counts {
  readonly holders: number[];
  requests: number;
  cachedTokens: number;
}

/** What sequences hold, as a tree of what they have in common, with the use that remembered requests made of it. */
export function heldPrefixes(
  slots: readonly Readonly<Slot>[],
  texts: Iterable<RememberedText>,
): readonly PrefixView[] {
  const held = slots.filter(({ tokens }) => tokens.length > 0);
  const scopes = new Map<string, TokenTree>();
  for (const { pinned, scope } of held) if (!pinned) scopes.set(scope, new TokenTree());
  if (scopes.size === 0) scopes.set("", new TokenTree());
  const counts = new Map<TokenNode, Counts>();
  for (const [scope, tree] of scopes) {
    const visible = held.filter((slot) => slot.pinned || slot.scope === scope);
    for (const { tokens, kvSequence } of visible) tree.add(tokens, kvSequence);
    for (const { tokens, kvSequence } of visible)
      for (const node of tree.path(tokens)) countsOf(counts, node).holders.push(kvSequence);
  }
  for (const { tokens, scope, cachedTokens } of texts) {
    for (const node of scopes.get(scope)?.path(tokens) ?? []) {
      const count = countsOf(counts, node);
      count.requests++;
      count.cachedTokens += Math.max(0, Math.min(cachedTokens, node.end) - node.start);
    }
  }
  return [...scopes.values()].reduce<PrefixView[]>((nodes, tree) => {
    flatten(tree.root, undefined, counts, nodes);
    return nodes;
  }, []);
}

function countsOf(counts: Map<TokenNode, Counts>, node: TokenNode): Counts {
  const known = counts.get(node);
  if (known !== undefined) return known;
  const fresh: Counts = { holders: [], requests: 0, cachedTokens: 0 };
  counts.set(node, fresh);
  return fresh;
}

/** Parents first, and of a node's children those that most requests have. */
function flatten(
  { children }: TokenNode,
  parent: number | undefined,
  counts: Map<TokenNode, Counts>,
  into: PrefixView[],
): void {
  const inOrder = [...children.values()].toSorted(
    (a, b) => countsOf(counts, b).requests - countsOf(counts, a).requests,
  );
  for (const child of inOrder) {
    if (into.length >= MAX_NODES) return;
    const { holders, requests, cachedTokens } = countsOf(counts, child);
    const { start, end } = child;
    into.push({ parent, start, tokens: end - start, holders, requests, cachedTokens });
    flatten(child, into.length - 1, counts, into);
  }
}
