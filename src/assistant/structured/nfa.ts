import type { CharacterSet } from "./character-set.ts";
import { type Regex, RegexError } from "./regex-syntax.ts";

/** Where an edge may be followed that reads nothing. */
export type Condition = "always" | "start" | "end" | "word" | "notWord";

export interface Nfa {
  /** Edges that read nothing, and edges that read a character, by state; 0 is the start, 1 the end. */
  readonly empty: ReadonlyArray<ReadonlyArray<{ readonly to: number; readonly condition: Condition }>>;
  readonly reading: ReadonlyArray<ReadonlyArray<{ readonly to: number; readonly set: CharacterSet }>>;
  readonly hasWordBoundaries: boolean;
}

/** A pattern that spells out more is too large. */
const MAX_STATES = 20_000;

/** Thompson's construction (1968). @throws RegexError when the expression is too large, or looks ahead within */
export function buildNfa(tree: Regex): Nfa {
  const builder = new Builder();
  builder.add(tree, 0, 1);
  return builder;
}

class Builder implements Nfa {
  readonly empty: Array<Array<{ to: number; condition: Condition }>> = [[], []];
  readonly reading: Array<Array<{ to: number; set: CharacterSet }>> = [[], []];
  hasWordBoundaries = false;

  #state(): number {
    if (this.empty.length >= MAX_STATES)
      throw new RegexError(`more than ${MAX_STATES} characters, repetitions multiplied out,`);
    this.reading.push([]);
    return this.empty.push([]) - 1;
  }

  #jump(from: number, to: number, condition: Condition = "always"): void {
    this.empty[from]?.push({ to, condition });
  }

  add(tree: Regex, from: number, to: number): void {
    switch (tree.type) {
      case "set":
        this.reading[from]?.push({ to, set: tree.set });
        break;
      case "sequence": {
        let at = from;
        for (const [index, item] of tree.items.entries()) {
          const next = index === tree.items.length - 1 ? to : this.#state();
          this.add(item, at, next);
          at = next;
        }
        if (tree.items.length === 0) this.#jump(from, to);
        break;
      }
      case "choice":
        for (const item of tree.items) this.add(item, from, to);
        break;
      case "repeat":
        this.#repeat(tree, from, to);
        break;
      case "assert":
        if (tree.kind === "word" || tree.kind === "notWord") this.hasWordBoundaries = true;
        this.#jump(from, to, tree.kind);
        break;
      case "automaton":
        this.#embed(tree.automaton, from, to);
        break;
      case "look":
        throw new RegexError("lookahead within a group or a repetition");
    }
  }

  #repeat({ item, min, max }: Extract<Regex, { type: "repeat" }>, from: number, to: number): void {
    let at = from;
    for (let count = 0; count < min; count++) {
      const next = this.#state();
      this.add(item, at, next);
      at = next;
    }
    if (max === undefined) {
      const loop = this.#state();
      const back = this.#state();
      this.#jump(at, loop);
      this.add(item, loop, back);
      this.#jump(back, loop);
      this.#jump(loop, to);
      return;
    }
    for (let count = min; count < max; count++) {
      this.#jump(at, to);
      const next = this.#state();
      this.add(item, at, next);
      at = next;
    }
    this.#jump(at, to);
  }

  #embed(
    { starts, classes, classCount, table, accepting }: Extract<Regex, { type: "automaton" }>["automaton"],
    from: number,
    to: number,
  ): void {
    const sets: Array<Array<[number, number]>> = Array.from({ length: classCount }, () => []);
    for (const [index, start] of starts.entries())
      sets[classes[index] as number]?.push([start, (starts[index + 1] ?? 0x110000) - 1]);
    const states = Array.from(accepting, () => this.#state());
    this.#jump(from, states[0] as number);
    for (const [state, own] of states.entries()) {
      if (accepting[state] === 1) this.#jump(own, to);
      for (let which = 0; which < classCount; which++) {
        const target = states[table[state * classCount + which] as number];
        if (target !== undefined) this.reading[own]?.push({ to: target, set: sets[which] ?? [] });
      }
    }
  }
}
