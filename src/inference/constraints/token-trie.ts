export interface TokenEntry {
  readonly token: number;
  readonly bytes: Uint8Array;
}

/** Tokens by their bytes, laid out in the order in which a walk goes through them. */
export class TokenTrie {
  /** Of each node: its byte, its depth from 0, and the node behind everything below it. */
  readonly bytes: Uint8Array;
  readonly depths: Uint16Array;
  readonly skips: Int32Array;
  /** Tokens that end at a node: `tokens` from `firsts[node]` to `firsts[node + 1]`. */
  readonly firsts: Int32Array;
  readonly tokens: Int32Array;
  readonly maxDepth: number;

  constructor(entries: readonly TokenEntry[]) {
    const sorted = [...entries].sort((a, b) => Buffer.compare(a.bytes, b.bytes));
    const bytes: number[] = [];
    const depths: number[] = [];
    const firsts: number[] = [];
    const tokens: number[] = [];
    let before: Uint8Array = new Uint8Array();
    for (const { token, bytes: text } of sorted) {
      let shared = 0;
      while (shared < before.length && shared < text.length && before[shared] === text[shared]) shared++;
      for (let depth = shared; depth < text.length; depth++) {
        bytes.push(text[depth] as number);
        depths.push(depth);
        firsts.push(tokens.length);
      }
      tokens.push(token);
      before = text;
    }
    firsts.push(tokens.length);
    this.bytes = Uint8Array.from(bytes);
    this.depths = Uint16Array.from(depths);
    this.firsts = Int32Array.from(firsts);
    this.tokens = Int32Array.from(tokens);
    this.maxDepth = depths.reduce((a, b) => Math.max(a, b + 1), 0);
    this.skips = new Int32Array(bytes.length);
    const open: number[] = [];
    for (let node = 0; node <= bytes.length; node++) {
      const depth = node < bytes.length ? (depths[node] as number) : -1;
      for (let top = open.at(-1); top !== undefined && (depths[top] as number) >= depth; top = open.at(-1)) {
        this.skips[top] = node;
        open.pop();
      }
      if (node < bytes.length) open.push(node);
    }
  }
}
