/** SentencePiece's mark for a space, and for the start of a text. */
const SPACE = "\u2581";

/** A piece and its log-probability. */
export type Piece = readonly [text: string, score: number];

interface TrieNode {
  readonly children: Map<string, TrieNode>;
  /** Token id of the piece that ends here. */
  id: number | undefined;
}

/**
 * SentencePiece's unigram model (Kudo 2018, arXiv:1804.10959): of all ways to cut a text into pieces, the likeliest,
 * found by Viterbi's algorithm. Time grows with the text's length times that of the longest piece.
 */
export class UnigramTokenizer {
  readonly size: number;
  readonly #pieces: readonly Piece[];
  readonly #root: TrieNode = { children: new Map(), id: undefined };

  /** The first `reserved` pieces are control tokens, which no text spells. */
  constructor(pieces: readonly Piece[], reserved: number) {
    this.#pieces = pieces;
    this.size = pieces.length;
    for (const [id, [text]] of pieces.entries()) {
      if (id < reserved) continue;
      let node = this.#root;
      for (const character of text) node = childOf(node, character);
      node.id = id;
    }
  }

  /**
   * Token ids of `text`; characters outside the vocabulary have none. Normalised as SentencePiece's `nmt_nfkc` does:
   * NFKC, and runs of white space are one space.
   */
  tokenize(text: string): Int32Array {
    const characters = [...(SPACE + text.normalize("NFKC").trim().replace(/\s+/gu, SPACE))];
    const best = new Float64Array(characters.length + 1).fill(Number.NEGATIVE_INFINITY);
    /** Id of the piece that ends at each place on the best way there; -1 is an unknown character. */
    const ids = new Int32Array(characters.length + 1);
    const starts = new Int32Array(characters.length + 1);
    best[0] = 0;
    for (let start = 0; start < characters.length; start++) {
      const reach = (end: number, id: number, score: number) => {
        if (score <= (best[end] as number)) return;
        best[end] = score;
        ids[end] = id;
        starts[end] = start;
      };
      const sofar = best[start] as number;
      let node: TrieNode | undefined = this.#root;
      let isKnown = false;
      for (let end = start; end < characters.length; end++) {
        node = node.children.get(characters[end] as string);
        if (node === undefined) break;
        if (node.id === undefined) continue;
        isKnown ||= end === start;
        reach(end + 1, node.id, sofar + (this.#pieces[node.id] as Piece)[1]);
      }
      if (!isKnown) reach(start + 1, -1, sofar + UNKNOWN_SCORE);
    }
    const reversed: number[] = [];
    for (let end = characters.length; end > 0; end = starts[end] as number) {
      const id = ids[end] as number;
      if (id >= 0) reversed.push(id);
    }
    return Int32Array.from(reversed.reverse());
  }

  /** Text that the ids spell; undefined when one is not in the vocabulary. */
  detokenize(ids: readonly number[]): string | undefined {
    const pieces = ids.map((id) => this.#pieces[id]?.[0]);
    if (pieces.includes(undefined)) return undefined;
    return pieces.join("").replaceAll(SPACE, " ").trimStart();
  }
}

/** Below any piece's: an unknown character is the last resort. */
const UNKNOWN_SCORE = -100;

function childOf(node: TrieNode, character: string): TrieNode {
  let child = node.children.get(character);
  if (child === undefined) {
    child = { children: new Map(), id: undefined };
    node.children.set(character, child);
  }
  return child;
}
