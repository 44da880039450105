import type { SequenceMemory } from "../kv-cache/slots.ts";
import type { CommonBeginning, KvLayout } from "../kv-layout.ts";
import type { BatchRows } from "./fill.ts";

/** What the scheduler drives: an inference context with a KV sequence for each running request. */
export interface DecodeContext extends SequenceMemory {
  readonly contextPerSequence: number;
  readonly layout: KvLayout;
  /** Keeps keys and values of every token and nothing else: a row can be computed and forgotten without a trace. */
  readonly isPlain: boolean;
  /** Rows of one decode that may ask for logits. */
  readonly maxOutputs: number;
  readonly batch: BatchRows & { readonly capacity: number };
  /** Keeps the state that `sequence` has now, where its memory can't be cut; `truncate` can go back to it. */
  checkpoint(sequence: number): void;
  /** Makes room in another layout; `changeLayout` may be called when there is. Rejects where there is no memory for it. */
  prepareLayout(layout: KvLayout): Promise<void>;
  /**
   * Takes on the prepared layout; its sequences hold what they held. `common` says of those that begin like an earlier
   * one, which, and for how many tokens: a shared buffer has these once. Not for memories that can't be saved.
   */
  changeLayout(common: ReadonlyMap<number, CommonBeginning>): void;
  /** Tokens that `sequence` holds. */
  length(sequence: number): number;
  /** Computes the batch. Throws when it can't; the sequences in it are then lost. */
  decode(): void;
  /** Logits of a batch row that asked for them, [vocabulary]; a view, valid until the next decode. */
  logits(row: number): Float32Array;
}
