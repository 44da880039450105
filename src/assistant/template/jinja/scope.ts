import type { Value } from "./values.ts";

/** Names that hold in a block, and those of the blocks around it. */
export class Scope {
  readonly #names = new Map<string, Value>();
  readonly #outer: Scope | undefined;

  constructor(names: Iterable<readonly [string, Value]> = [], outer?: Scope) {
    this.#outer = outer;
    for (const [name, value] of names) this.#names.set(name, value);
  }

  get(name: string): Value {
    return this.#names.has(name) ? this.#names.get(name) : this.#outer?.get(name);
  }

  set(name: string, value: Value): void {
    this.#names.set(name, value);
  }

  nested(): Scope {
    return new Scope([], this);
  }
}
