import assert from "node:assert/strict";
import { passes } from "../../src/inference/kv-cache/passes.ts";
import type { CommonBeginning, KvLayout } from "../../src/inference/kv-layout.ts";
import type { DecodeContext } from "../../src/inference/scheduler/decode-context.ts";
import type { TokenSampler } from "../../src/inference/scheduler/sequence.ts";

/** Tokens are 0 to 11; 0 ends a generation, the others are one letter each. */
export const END = 0;
const VOCABULARY = 12;

export const letters = {
  piece: (token: number) => Buffer.from("abcdefghijkl".charAt(token)),
  isEndOfGeneration: (token: number) => token === END,
};

/** What follows a text, the same every time: often a repetition, so that drafting finds something, and not always. */
export function nextToken(history: readonly number[]): number {
  const hash = (tokens: readonly number[]) =>
    tokens.reduce((sum, token) => (Math.imul(sum, 31) + token + 7) >>> 0, 17) >>> 3;
  const whole = hash(history);
  return whole % 5 === 0 ? whole % VOCABULARY : 1 + (hash(history.slice(-2)) % (VOCABULARY - 1));
}

interface Row {
  readonly token: number;
  readonly position: number;
  readonly sequence: number;
  readonly wantsLogits: boolean;
}

/**
 * Stands in for llama.cpp where a test must control time and failure and see every decode: it keeps each sequence's
 * tokens as a plain list and checks that the scheduler writes them in order, at their positions, within the limits.
 */
export class FakeContext implements DecodeContext {
  readonly sequences: number;
  readonly contextPerSequence: number;
  readonly maxOutputs: number;
  isOnePass: boolean;
  readonly canCut: boolean;
  readonly isPlain: boolean;
  /** Whether a row alone takes a quarter of its time in a group, as with some kernels. */
  readonly #hasQuickRow: boolean;
  /** Plain model of the KV cache. */
  readonly held: number[][];
  /** Lengths that each sequence can go back to, where it can't be cut. */
  readonly checkpoints: number[][];
  readonly batch: DecodeContext["batch"];
  /** Milliseconds that decodes have taken. */
  now = 0;
  failNext = false;
  decodes = 0;
  prepared: KvLayout | undefined;
  #rows: Row[] = [];
  /** Text up to each row of the last decode, for those that asked for logits. */
  #histories: Array<readonly number[] | undefined> = [];

  constructor(sizes: {
    sequences: number;
    capacity: number;
    contextPerSequence: number;
    isOnePass?: boolean;
    canCut?: boolean | undefined;
    hasQuickRow?: boolean;
  }) {
    this.#hasQuickRow = sizes.hasQuickRow ?? false;
    this.isOnePass = sizes.isOnePass ?? true;
    this.canCut = sizes.canCut ?? true;
    this.isPlain = this.canCut;
    this.checkpoints = Array.from({ length: sizes.sequences }, () => []);
    this.sequences = sizes.sequences;
    this.contextPerSequence = sizes.contextPerSequence;
    this.maxOutputs = sizes.capacity;
    this.held = Array.from({ length: sizes.sequences }, () => []);
    this.batch = {
      capacity: sizes.capacity,
      clear: () => {
        this.#rows = [];
      },
      add: (token, position, sequence, wantsLogits) => {
        this.#rows.push({ token, position, sequence, wantsLogits });
        assert.ok(this.#rows.length <= sizes.capacity, "the batch is over its capacity");
        return this.#rows.length - 1;
      },
    };
  }

  get layout(): KvLayout {
    return this.isOnePass ? "shared" : "separate";
  }

  async prepareLayout(layout: KvLayout): Promise<void> {
    assert.notEqual(layout, this.layout, "the layout is the other one already");
    this.prepared = layout;
  }

  changeLayout(common: ReadonlyMap<number, CommonBeginning>): void {
    for (const [target, { source, length }] of common) {
      assert.ok(source < target, "the source is moved first");
      assert.deepEqual(this.held[target]?.slice(0, length), this.held[source]?.slice(0, length));
    }
    assert.ok(this.prepared !== undefined, "no layout is prepared");
    this.isOnePass = this.prepared === "shared";
    this.prepared = undefined;
  }

  /** Nothing that this context runs asks for scores. */
  logits(): Float32Array {
    throw new Error("this context has no logits");
  }

  length(sequence: number): number {
    return this.held[sequence]?.length ?? 0;
  }

  decode(): void {
    this.decodes++;
    const ms = this.#passes() + this.#rows.length / 2;
    this.now += this.#hasQuickRow && this.#rows.length === 1 ? ms / 4 : ms;
    assert.ok(this.#rows.length > 0, "an empty batch was decoded");
    if (this.failNext) {
      this.failNext = false;
      this.#histories = [];
      throw new Error("decode failed");
    }
    this.#histories = this.#rows.map(({ token, position, sequence, wantsLogits }) => {
      const tokens = this.held[sequence];
      assert.ok(tokens !== undefined, `there is no sequence ${sequence}`);
      assert.equal(position, tokens.length, `sequence ${sequence} must go on where it ends`);
      tokens.push(token);
      assert.ok(tokens.length <= this.contextPerSequence, "a sequence is over its context");
      return wantsLogits ? [...tokens] : undefined;
    });
  }

  /** A pass takes as long as two rows. */
  #passes(): number {
    const rows = Map.groupBy(this.#rows, ({ sequence }) => sequence);
    return this.isOnePass
      ? 1
      : passes([...rows].map(([kvSequence, entries]) => ({ kvSequence, rows: entries.length })));
  }

  keptBy(sequence: number, length: number): number {
    if (this.canCut || length >= (this.held[sequence]?.length ?? 0)) return length;
    return Math.max(0, ...(this.checkpoints[sequence] ?? []).filter((kept) => kept <= length));
  }

  truncate(sequence: number, length: number): number {
    const tokens = this.held[sequence] ?? [];
    const kept = this.keptBy(sequence, length);
    tokens.length = Math.min(tokens.length, kept);
    this.checkpoints[sequence] = (this.checkpoints[sequence] ?? []).filter((other) => other <= kept);
    return kept;
  }

  copy(source: number, target: number): void {
    this.held[target] = [...(this.held[source] ?? [])];
    this.checkpoints[target] = [...(this.checkpoints[source] ?? [])];
  }

  save(sequence: number, room: (bytes: number) => Uint8Array): Uint8Array | undefined {
    if (!this.isPlain) return undefined;
    const held = this.held[sequence] ?? [];
    const state = room(held.length);
    state.set(held);
    return state;
  }

  restore(sequence: number, state: Uint8Array): boolean {
    this.held[sequence] = [...state];
    return true;
  }

  checkpoint(sequence: number): void {
    this.checkpoints[sequence]?.push(this.held[sequence]?.length ?? 0);
  }

  sampler(onFree: () => void): TokenSampler {
    let isFree = false;
    return {
      sample: (row) => {
        assert.ok(!isFree, "a freed sampler was used");
        const history = this.#histories[row];
        assert.ok(history !== undefined, `row ${row} has no logits`);
        return nextToken(history);
      },
      accept: () => assert.ok(!isFree, "a freed sampler was used"),
      forcedTokens: () => [],
      isFinal: false,
      free: () => {
        assert.ok(!isFree, "a sampler was freed twice");
        isFree = true;
        onFree();
      },
    };
  }
}
