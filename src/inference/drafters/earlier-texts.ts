import { LRUCache } from "lru-cache";

/** Tokens that are remembered, of the latest texts; with the tables about 3 MiB. */
const CAPACITY = 2 ** 18;
/** Tokens that must be the same for what followed them to be a guess: fewer are the same by chance. */
const NGRAM = 4;
/** Scopes that are told apart; clients make up as many as they like. */
const MAX_SCOPES = 4096;
/** Stands between two texts. */
const BOUNDARY = -1;

/**
 * What was generated before, by this and other requests, for text that is said again: verdicts by one rubric, drafts of
 * one document (SuffixDecoding, Oliaro et al. 2025; here by hashes of short runs, of which the latest counts). A request
 * is guessed for only from texts of its own scope.
 */
export class EarlierTexts {
  readonly #tokens = new Int32Array(CAPACITY);
  /** By the hash of a run: where what followed it stands. */
  readonly #following = new Int32Array(CAPACITY).fill(-1);
  /** Of each token, which scope's text it is in. */
  readonly #owners = new Int32Array(CAPACITY);
  /** Numbers of the scopes that were used last: what others said can no longer be found. */
  readonly #scopes = new LRUCache<string, number>({ max: MAX_SCOPES });
  #nextOwner = 0;
  #end = 0;

  /** Remembers `tokens` from `start` on; those before are what it follows. The oldest are overwritten. */
  add(tokens: ArrayLike<number>, start: number, scope: string): void {
    const owner = this.#scopes.get(scope) ?? this.#nextOwner++;
    this.#scopes.set(scope, owner);
    const first = Math.max(0, start - NGRAM, tokens.length - CAPACITY / 2);
    this.#push(BOUNDARY, owner);
    for (let index = first; index < tokens.length; index++) {
      if (index - NGRAM >= first)
        this.#following[hashOf((offset) => tokens[index - NGRAM + offset] as number, owner)] = this.#end;
      this.#push(tokens[index] as number, owner);
    }
    this.#push(BOUNDARY, owner);
  }

  /** At most `limit` tokens that followed the last ones of `tokens` and `last` in an earlier text of the scope. */
  draft(tokens: readonly number[], last: number, limit: number, scope: string): readonly number[] {
    const owner = this.#scopes.get(scope);
    const from = tokens.length + 1 - NGRAM;
    if (owner === undefined || from < 0) return [];
    const run = (offset: number) => (offset === NGRAM - 1 ? last : (tokens[from + offset] as number));
    const found = this.#following[hashOf(run, owner)] ?? -1;
    if (found < NGRAM) return [];
    for (let offset = 0; offset < NGRAM; offset++) {
      if (this.#tokens[found - NGRAM + offset] !== run(offset)) return [];
    }
    const draft: number[] = [];
    for (let at = found; draft.length < limit && at < CAPACITY; at++) {
      const token = this.#tokens[at] as number;
      if (token === BOUNDARY || this.#owners[at] !== owner) break;
      draft.push(token);
    }
    return draft;
  }

  #push(token: number, owner: number): void {
    this.#tokens[this.#end] = token;
    this.#owners[this.#end] = owner;
    this.#end = (this.#end + 1) % CAPACITY;
  }
}

/** FNV-1a over the tokens and their owner. */
function hashOf(run: (offset: number) => number, owner: number): number {
  let hash = Math.imul(0x811c9dc5 ^ owner, 0x01000193);
  for (let offset = 0; offset < NGRAM; offset++) hash = Math.imul(hash ^ run(offset), 0x01000193);
  return (hash ^ (hash >>> 15)) & (CAPACITY - 1);
}
