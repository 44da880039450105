import { bridges, passes, type SequenceRows } from "../kv-cache/passes.ts";
import type { PrefixCache } from "../kv-cache/prefix-cache.ts";
import type { SlotMove } from "../kv-cache/slots.ts";
import type { DecodeContext } from "./decode-context.ts";
import type { Bridge } from "./fill.ts";
import type { BatchPlan } from "./plan.ts";
import type { StepCost } from "./step-cost.ts";

/** Cost of a row without logits, as a share of one with: the output matrix is half of a small model's work. */
export const BRIDGE_SHARE = 0.5;
/** Longest gap that is bridged until the costs of rows and passes are known. */
const FIRST_BRIDGE = 3;
/** Decode steps with a gap after which sequences are moved to close it, one per step: a copy costs about a pass. */
const STEPS_BEFORE_MOVE = 2;

/**
 * Where each sequence has a buffer of its own, every gap between the sequences of a step costs a pass over the weights
 * (`kv-cache/passes.ts`). Short gaps are bridged by rows that are computed and forgotten; longer ones are closed by
 * moving a sequence.
 */
export class Gaps {
  readonly #context: DecodeContext;
  readonly #cache: PrefixCache;
  readonly #cost: StepCost;
  /** Decode steps in a row that took several passes. */
  #stepsWithGap = 0;

  constructor(context: DecodeContext, cache: PrefixCache, cost: StepCost) {
    this.#context = context;
    this.#cache = cache;
    this.#cost = cost;
  }

  /** Rows for the sequences in gaps that cost less than the passes that the gaps would cost. */
  bridges(plan: BatchPlan): readonly Bridge[] {
    const { isOnePass, isPlain, batch, contextPerSequence } = this.#context;
    const entries = rowsBySequence(plan);
    if (isOnePass || !isPlain || entries.length < 2) return [];
    const { msPerPass, msPerDecodeRow } = this.#cost;
    const longest =
      msPerPass === undefined || !msPerDecodeRow
        ? FIRST_BRIDGE
        : Math.floor(msPerPass / (BRIDGE_SHARE * msPerDecodeRow));
    const found = bridges(
      entries.map(({ kvSequence }) => kvSequence),
      longest,
      (kvSequence) => this.#cache.canBridge(kvSequence, contextPerSequence),
    );
    const room = batch.capacity - entries.reduce((sum, { rows }) => sum + rows, 0);
    return found.length > room
      ? []
      : found.map((kvSequence) => ({ kvSequence, position: this.#cache.length(kvSequence) }));
  }

  /** Passes over the weights that a step takes. */
  passes(plan: BatchPlan, bridging: readonly Bridge[]): number {
    if (this.#context.isOnePass) return 1;
    return passes([...rowsBySequence(plan), ...bridging.map(({ kvSequence }) => ({ kvSequence, rows: 1 }))]);
  }

  /**
   * To be called after a step that only decoded, with the passes it took: where running sequences have stayed apart
   * for some steps, one is moved beside the others. Returns the move.
   */
  close(stepPasses: number): SlotMove | undefined {
    this.#stepsWithGap = stepPasses > 1 ? this.#stepsWithGap + 1 : 0;
    if (this.#context.isOnePass || this.#stepsWithGap < STEPS_BEFORE_MOVE) return undefined;
    return this.#cache.closeGap();
  }
}

function rowsBySequence(plan: BatchPlan): SequenceRows[] {
  const rows = [
    ...plan.decoding.map(({ sequence, draft }) => ({ sequence, rows: 1 + draft.length })),
    ...plan.prefilling.map(({ sequence, length }) => ({ sequence, rows: length })),
  ];
  return rows.map(({ sequence: { slot }, rows: count }) => {
    if (slot === undefined) throw new Error("a planned sequence lacks its slot");
    return { kvSequence: slot.kvSequence, rows: count };
  });
}
