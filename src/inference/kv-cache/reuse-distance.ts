/** Tokens of a block. */
export const BLOCK_TOKENS = 32;
/** Accesses between two renumberings, and blocks that are remembered: as many tokens are more than any cache here has. */
const ACCESSES = 131_072;
const MAX_BLOCKS = ACCESSES / 2;
/** Distances are counted in classes, four to a doubling. */
const CLASSES_PER_DOUBLING = 4;

/** Prompt tokens that a cache of some size would have had. */
export interface CurvePoint {
  readonly cacheTokens: number;
  readonly hitTokens: number;
}

/**
 * How many prompt tokens a cache of any size would have had, from one pass over the prompts: a block is at hand in a
 * cache of N blocks that forgets the least recently used exactly where fewer than N others were used since (Mattson et
 * al., "Evaluation techniques for storage hierarchies", 1970). A block stands for all tokens up to its end.
 */
export class ReuseDistances {
  /** When each block was used the last time. */
  readonly #lastUse = new Map<number, number>();
  /** Fenwick tree: 1 at each time that is some block's last. */
  readonly #marks = new Int32Array(ACCESSES + 1);
  readonly #byClass: number[] = [];
  #time = 0;
  #promptTokens = 0;

  get promptTokens(): number {
    return this.#promptTokens;
  }

  /** A prompt was asked for. */
  prompt(tokens: ArrayLike<number>, scope: string): void {
    this.#promptTokens += tokens.length;
    this.#use(tokens, scope, (distance) => {
      const at = classOf(distance);
      this.#byClass[at] = (this.#byClass[at] ?? 0) + BLOCK_TOKENS;
    });
  }

  /** A text is held from now on, an answer's included. */
  held(tokens: ArrayLike<number>, scope: string): void {
    this.#use(tokens, scope, () => {});
  }

  /** For caches of `sizes` tokens. */
  curve(sizes: readonly number[]): readonly CurvePoint[] {
    return sizes.map((cacheTokens) => {
      const blocks = Math.floor(cacheTokens / BLOCK_TOKENS);
      // A class that the size lies in counts by how much of it is below.
      const limit = CLASSES_PER_DOUBLING * Math.log2(Math.max(1, blocks));
      const hitTokens = this.#byClass.reduce(
        (sum, tokens, at) => sum + tokens * Math.min(1, Math.max(0, limit - at + 1)),
        0,
      );
      return { cacheTokens, hitTokens: blocks === 0 ? 0 : Math.round(hitTokens) };
    });
  }

  /** From the last block to the first: what a cache is short of goes from the end of a text. */
  #use(tokens: ArrayLike<number>, scope: string, onReuse: (distance: number) => void): void {
    for (const block of blocksOf(tokens, scope).reverse()) {
      const before = this.#lastUse.get(block);
      if (before !== undefined) {
        onReuse(this.#lastUse.size - this.#marksUpTo(before));
        this.#mark(before, -1);
        this.#lastUse.delete(block);
      }
      if (this.#time === ACCESSES) this.#renumber();
      this.#lastUse.set(block, ++this.#time);
      this.#mark(this.#time, 1);
    }
  }

  /** The latest blocks get the first numbers, in their order. */
  #renumber(): void {
    // A map is in the order of insertion, which is that of the last uses here.
    const kept = [...this.#lastUse.keys()].slice(-MAX_BLOCKS);
    this.#lastUse.clear();
    this.#marks.fill(0);
    this.#time = 0;
    for (const block of kept) {
      this.#lastUse.set(block, ++this.#time);
      this.#mark(this.#time, 1);
    }
  }

  #mark(time: number, by: number): void {
    for (let at = time; at <= ACCESSES; at += at & -at) this.#marks[at] = (this.#marks[at] as number) + by;
  }

  #marksUpTo(time: number): number {
    let sum = 0;
    for (let at = time; at > 0; at -= at & -at) sum += this.#marks[at] as number;
    return sum;
  }
}

/** A block is at hand in a cache of more than `distance` blocks. */
function classOf(distance: number): number {
  return Math.ceil(CLASSES_PER_DOUBLING * Math.log2(distance + 1));
}

/** Whole blocks of a text, each named by a hash of all tokens up to its end: 53 bits, which a number holds. */
function blocksOf(tokens: ArrayLike<number>, scope: string): number[] {
  let [high, low] = [0x9e3779b9, 0x85ebca6b];
  const mix = (value: number) => {
    high = Math.imul(high ^ value, 0x01000193);
    high ^= high >>> 15;
    low = Math.imul(low ^ value, 0x5bd1e995);
    low ^= low >>> 13;
  };
  for (let at = 0; at < scope.length; at++) mix(scope.charCodeAt(at));
  const blocks: number[] = [];
  for (let at = 0; at < tokens.length; at++) {
    mix(tokens[at] as number);
    if ((at + 1) % BLOCK_TOKENS === 0) blocks.push((high >>> 0) * 2 ** 21 + (low >>> 11));
  }
  return blocks;
}
