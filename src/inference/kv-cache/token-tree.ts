/** A stretch of tokens that some texts have in common, after the stretches above it. */
export interface TokenNode {
  /** Of the text from its beginning to this node's end; the node's own are the last ones of these. */
  tokens: ArrayLike<number>;
  start: number;
  end: number;
  readonly children: Map<number, TokenNode>;
  /** Texts that have all of it. */
  texts: number;
  /** Who added the latest of these. */
  owner: number;
}

/** What a text has in common with those of a tree. */
export interface LongestMatch {
  readonly length: number;
  /** Who added the latest text that has all of that; undefined where nothing is in common. */
  readonly owner: number | undefined;
  /** Whether some text goes on there. */
  readonly continues: boolean;
}

/** Texts of tokens as a radix tree: what they have in common at their beginnings is in it once. */
export class TokenTree {
  readonly root: TokenNode = node([], 0, 0, -1);

  /** The longest beginning that `tokens` has in common with any text. */
  longest(tokens: ArrayLike<number>): LongestMatch {
    let at = this.root;
    for (;;) {
      const child = at.children.get(tokens[at.end] as number);
      if (child === undefined) break;
      const length = matched(child, tokens);
      if (length < child.end) return { length, owner: child.owner, continues: true };
      at = child;
    }
    const isNone = at === this.root;
    return { length: at.end, owner: isNone ? undefined : at.owner, continues: at.children.size > 0 };
  }

  /** The nodes that `tokens` has all of, from the beginning on. */
  *path(tokens: ArrayLike<number>): Generator<TokenNode> {
    let at = this.root;
    for (;;) {
      const child = at.children.get(tokens[at.end] as number);
      if (child === undefined || matched(child, tokens) < child.end) return;
      at = child;
      yield at;
    }
  }

  /** `tokens` must not change while they are in the tree. */
  add(tokens: ArrayLike<number>, owner: number): void {
    let at = this.root;
    at.texts++;
    while (at.end < tokens.length) {
      const child = at.children.get(tokens[at.end] as number);
      if (child === undefined) {
        at.children.set(tokens[at.end] as number, {
          ...node(tokens, at.end, tokens.length, owner),
          texts: 1,
        });
        return;
      }
      const length = matched(child, tokens);
      at = length < child.end ? split(at, child, length) : child;
      at.texts++;
      at.owner = owner;
    }
  }

  /** Takes out a text that is in the tree. */
  remove(tokens: ArrayLike<number>): void {
    let at = this.root;
    at.texts--;
    while (at.end < tokens.length) {
      const first = tokens[at.end] as number;
      const child = at.children.get(first);
      if (child === undefined) throw new Error("a text is removed that is not there");
      child.texts--;
      if (child.texts === 0) {
        at.children.delete(first);
        return;
      }
      at = child;
    }
  }
}

function node(tokens: ArrayLike<number>, start: number, end: number, owner: number): TokenNode {
  return { tokens, start, end, children: new Map(), texts: 0, owner };
}

/** Where `tokens` and those of a node part, which is at its end at the latest. */
function matched({ tokens: held, start, end }: TokenNode, tokens: ArrayLike<number>): number {
  const limit = Math.min(end, tokens.length);
  let length = start;
  while (length < limit && held[length] === tokens[length]) length++;
  return length;
}

/** Puts a node between `parent` and `child`, which ends at `length`. */
function split(parent: TokenNode, child: TokenNode, length: number): TokenNode {
  const upper = { ...node(child.tokens, child.start, length, child.owner), texts: child.texts };
  parent.children.set(child.tokens[child.start] as number, upper);
  upper.children.set(child.tokens[length] as number, child);
  child.start = length;
  return upper;
}
