import { type LongestMatch, TokenTree } from "./token-tree.ts";

/** A request that is remembered: what its sequence held at last, the prompt alone while it runs. */
export interface RememberedText {
  readonly tokens: ArrayLike<number>;
  readonly scope: string;
  /** Prompt tokens that it took from the cache. */
  readonly cachedTokens: number;
  readonly isRunning: boolean;
}

/** Requests that are remembered, and the most tokens of all of them. */
const REQUESTS = 1000;
const TOKENS = 4_000_000;

/** The latest requests' tokens: what a cache that forgets nothing would have had of a prompt. */
export class PromptHistory {
  readonly #requests: number;
  /** Oldest first. */
  readonly #texts = new Map<number, RememberedText>();
  readonly #trees = new Map<string, TokenTree>();
  #tokens = 0;

  constructor(requests = REQUESTS) {
    this.#requests = requests;
  }

  /** The longest beginning that `prompt` has in common with any remembered request of its scope. */
  longest(prompt: ArrayLike<number>, scope: string): LongestMatch {
    return this.#trees.get(scope)?.longest(prompt) ?? { length: 0, owner: undefined, continues: false };
  }

  isRunning(id: number): boolean {
    return this.#texts.get(id)?.isRunning === true;
  }

  began(id: number, prompt: ArrayLike<number>, scope: string, cachedTokens: number): void {
    this.#add(id, { tokens: prompt, scope, cachedTokens, isRunning: true });
  }

  /** A request is over, and its sequence holds `tokens`. */
  ended(id: number, tokens: ArrayLike<number>): void {
    const text = this.#texts.get(id);
    if (text === undefined) return;
    this.#remove(id, text);
    this.#add(id, { ...text, tokens, isRunning: false });
  }

  texts(): Iterable<RememberedText> {
    return this.#texts.values();
  }

  #add(id: number, text: RememberedText): void {
    let tree = this.#trees.get(text.scope);
    if (tree === undefined) {
      tree = new TokenTree();
      this.#trees.set(text.scope, tree);
    }
    tree.add(text.tokens, id);
    this.#texts.set(id, text);
    this.#tokens += text.tokens.length;
    for (const [oldest, held] of this.#texts) {
      if (oldest === id || (this.#texts.size <= this.#requests && this.#tokens <= TOKENS)) return;
      this.#remove(oldest, held);
    }
  }

  #remove(id: number, { tokens, scope }: RememberedText): void {
    const tree = this.#trees.get(scope);
    tree?.remove(tokens);
    if (tree?.root.texts === 0) this.#trees.delete(scope);
    this.#texts.delete(id);
    this.#tokens -= tokens.length;
  }
}
