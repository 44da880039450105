/** Steps from a state before its transitions are kept in a table: most states of a walk are seen once. */
const STEPS_BEFORE_TABLE = 6;

let lastId = 0;
let derived = 0;

/** What all states together have worked out so far, for bounds on work: transitions, weighted by their cost. */
export function workDone(): number {
  return derived;
}

/**
 * A place in a text that is held to a form. States are immutable and interned by their makers: equal states are the same
 * object, and `id` is a key. Every state has a completion: what can't be completed has no state.
 */
export abstract class State {
  readonly id = ++lastId;
  /** Whether the text may end here. */
  abstract readonly isComplete: boolean;
  #steps = 0;
  #table: Array<State | null | undefined> | undefined;

  /** What a transition costs, in those of a simple state. */
  protected readonly weight: number = 1;

  /** The state behind one more byte, null where nothing that may follow begins so. */
  step(byte: number): this | null {
    const table = this.#table;
    if (table === undefined) {
      if (++this.#steps > STEPS_BEFORE_TABLE) this.#table = new Array(256);
      derived += this.weight;
      return this.derive(byte) as this | null;
    }
    let next = table[byte];
    if (next === undefined) {
      derived += this.weight;
      next = this.derive(byte);
      table[byte] = next;
    }
    return next as this | null;
  }

  /** Characters without quotes, backslashes and controls that may follow in any choice and order. */
  get freeCharacters(): number {
    return 0;
  }

  /** A state that allows the same tokens, where none is longer than `characters`; it has fewer siblings. */
  relaxed(_characters: number): State {
    return this;
  }

  protected abstract derive(byte: number): State | null;
}
