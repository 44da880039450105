/** A state that a sequence had, and how many tokens it had read. */
export interface StateCheckpoint {
  readonly length: number;
  readonly state: Uint8Array;
}

/** States that are kept of each sequence, beside the one that it is in. */
export const CHECKPOINTS_PER_SEQUENCE = 3;

/** The states that sequences can go back to. A copied sequence has those of its source, and shares their memory. */
export class StateCheckpoints {
  /** Of each sequence, by length. */
  readonly #bySequence = new Map<number, readonly StateCheckpoint[]>();

  /** The latest at or before `length` tokens. */
  latest(sequence: number, length: number): StateCheckpoint | undefined {
    return this.#of(sequence).findLast((checkpoint) => checkpoint.length <= length);
  }

  /** Adds one; where there are too many, the one goes that is nearest to the one before it. */
  add(sequence: number, added: StateCheckpoint): void {
    const others = this.#of(sequence).filter(({ length }) => length !== added.length);
    const checkpoints = [...others, added].toSorted((a, b) => a.length - b.length);
    if (checkpoints.length > CHECKPOINTS_PER_SEQUENCE) checkpoints.splice(mostDispensable(checkpoints), 1);
    this.#bySequence.set(sequence, checkpoints);
  }

  /** Forgets those beyond `length` tokens. */
  cut(sequence: number, length: number): void {
    const kept = this.#of(sequence).filter((checkpoint) => checkpoint.length <= length);
    if (kept.length > 0) this.#bySequence.set(sequence, kept);
    else this.#bySequence.delete(sequence);
  }

  copy(source: number, target: number): void {
    this.#bySequence.set(target, this.#of(source));
  }

  #of(sequence: number): readonly StateCheckpoint[] {
    return this.#bySequence.get(sequence) ?? [];
  }
}

/** Of all but the last, which is the newest, the one whose loss makes the fewest tokens be computed again. */
function mostDispensable(checkpoints: readonly StateCheckpoint[]): number {
  let best = 0;
  let fewest = Number.POSITIVE_INFINITY;
  for (let index = 0; index < checkpoints.length - 1; index++) {
    const gap = (checkpoints[index]?.length ?? 0) - (checkpoints[index - 1]?.length ?? 0);
    if (gap < fewest) {
      fewest = gap;
      best = index;
    }
  }
  return best;
}
