import { passes } from "../../inference/kv-cache/passes.ts";
import type { KvLayout } from "../../inference/kv-layout.ts";
import type { DecodeContext } from "../../inference/scheduler/decode-context.ts";
import type { TokenSampler } from "../../inference/scheduler/sequence.ts";
import type { StepShape } from "../../inference/scheduler/step-model.ts";

export interface VirtualContextOptions {
  readonly sequences: number;
  readonly contextPerSequence: number;
  /** Rows of one decode. */
  readonly batchSize: number;
  readonly layout: KvLayout;
  /** Of these, those that may ask for logits. */
  readonly maxOutputs: number;
  /** Milliseconds that a decode of a shape takes. */
  readonly decodeMs: (shape: StepShape) => number;
}

interface SequenceRows {
  rows: number;
  outputs: number;
  kvTokens: number;
}

/** An inference context that computes nothing: a decode takes the time that it should, on a clock of its own. */
export class VirtualContext implements DecodeContext {
  readonly sequences: number;
  readonly contextPerSequence: number;
  readonly layout: KvLayout;
  readonly isOnePass: boolean;
  readonly canCut = true;
  readonly isPlain = true;
  readonly maxOutputs: number;
  readonly batch: DecodeContext["batch"];
  /** Milliseconds. */
  now = 0;
  readonly #decodeMs: VirtualContextOptions["decodeMs"];
  readonly #lengths: number[];
  readonly #rows = new Map<number, SequenceRows>();
  #count = 0;
  #token = 0;

  constructor(options: VirtualContextOptions) {
    this.sequences = options.sequences;
    this.contextPerSequence = options.contextPerSequence;
    this.layout = options.layout;
    this.isOnePass = options.layout === "shared";
    this.maxOutputs = options.maxOutputs;
    this.#decodeMs = options.decodeMs;
    this.#lengths = Array.from({ length: options.sequences }, () => 0);
    this.batch = {
      capacity: options.batchSize,
      clear: () => {
        this.#rows.clear();
        this.#count = 0;
      },
      add: (_token, position, kvSequence, wantsLogits) => {
        const rows = this.#rows.get(kvSequence) ?? { rows: 0, outputs: 0, kvTokens: 0 };
        rows.rows++;
        rows.outputs += Number(wantsLogits);
        rows.kvTokens += position + 1;
        this.#rows.set(kvSequence, rows);
        this.#lengths[kvSequence] = position + 1;
        return this.#count++;
      },
    };
  }

  decode(): void {
    this.now += this.#decodeMs(this.#shape());
  }

  /** A sequence with one row that asks for logits decodes; of any other the rows are a prompt's. */
  #shape(): StepShape {
    const shape = { passes: 1, decodeRows: 0, prefillTokens: 0, kvTokens: 0, prefillKvTokens: 0 };
    for (const { rows, outputs, kvTokens } of this.#rows.values()) {
      const isDecoding = rows === 1 && outputs === 1;
      shape[isDecoding ? "decodeRows" : "prefillTokens"] += rows;
      shape[isDecoding ? "kvTokens" : "prefillKvTokens"] += kvTokens;
    }
    if (!this.isOnePass) {
      const decode = [...this.#rows].map(([kvSequence, { rows }]) => ({ kvSequence, rows }));
      shape.passes = passes(decode);
    }
    return shape;
  }

  length(sequence: number): number {
    return this.#lengths[sequence] ?? 0;
  }

  keptBy(_sequence: number, length: number): number {
    return length;
  }

  truncate(sequence: number, length: number): number {
    this.#lengths[sequence] = Math.min(this.length(sequence), length);
    return length;
  }

  copy(source: number, target: number): void {
    this.#lengths[target] = this.length(source);
  }

  save(): undefined {
    return undefined;
  }

  restore(): boolean {
    return false;
  }

  checkpoint(): void {}

  prepareLayout(): Promise<void> {
    return Promise.reject(new Error("a simulation keeps its layout"));
  }

  changeLayout(): void {
    throw new Error("a simulation keeps its layout");
  }

  logits(): Float32Array {
    throw new Error("a simulation has no logits");
  }

  /** Draws tokens that no prompt has: an answer ends at its limit. */
  sampler(): TokenSampler {
    return {
      sample: () => --this.#token,
      accept: () => {},
      forcedTokens: () => [],
      isFinal: false,
      free: () => {},
    };
  }
}
