import { complement, LAST_CODE_POINT, type Range } from "./code-points.ts";
import type { Branch, PatternNode } from "./pattern-syntax.ts";

/** States and pairs of states looked at; past them the question counts as not answered. */
const MAX_STATES = 5000;
const anything: readonly Range[] = [[0, LAST_CODE_POINT]];

interface State {
  /** States that are reached without a character. */
  readonly silent: number[];
  readonly steps: Array<{ readonly ranges: readonly Range[]; readonly to: number }>;
}

/**
 * True when every text that `inner` matches is matched by `outer` too. Both are run side by side over all texts at
 * once, as sets of states (the subset construction), so nothing backtracks. False means: not, or too large to tell.
 */
export function isIncluded(inner: readonly Branch[], outer: readonly Branch[]): boolean {
  const [a, b] = [Automaton.of(inner), Automaton.of(outer)];
  if (a === undefined || b === undefined) return false;
  const letters = representatives([...a.ranges(), ...b.ranges()]);
  const start = [a.begin(), b.begin()] as const;
  const waiting = [start];
  const seen = new Set([key(start)]);
  for (let pair = waiting.pop(); pair !== undefined; pair = waiting.pop()) {
    const [statesOfA, statesOfB] = pair;
    if (a.accepts(statesOfA) && !b.accepts(statesOfB)) return false;
    for (const letter of letters) {
      const next = [a.step(statesOfA, letter), b.step(statesOfB, letter)] as const;
      if (next[0].length === 0 || seen.has(key(next))) continue;
      if (seen.size >= MAX_STATES) return false;
      seen.add(key(next));
      waiting.push(next);
    }
  }
  return true;
}

function key([a, b]: readonly [readonly number[], readonly number[]]): string {
  return `${a.join()}|${b.join()}`;
}

/** One code point of each stretch that no range tells apart. */
function representatives(ranges: readonly Range[]): readonly number[] {
  const starts = new Set([0]);
  for (const [from, to] of ranges) {
    starts.add(from);
    if (to < LAST_CODE_POINT) starts.add(to + 1);
  }
  return [...starts];
}

/** A nondeterministic automaton of a pattern (Thompson's construction). */
class Automaton {
  readonly #states: State[] = [];
  readonly #start: number;
  readonly #end: number;

  /** Undefined where the pattern's repetitions multiply to too many states. */
  static of(branches: readonly Branch[]): Automaton | undefined {
    const automaton = new Automaton(branches);
    return automaton.#states.length > MAX_STATES ? undefined : automaton;
  }

  private constructor(branches: readonly Branch[]) {
    this.#start = this.#state();
    this.#end = this.#state();
    for (const { node, isStartAnchored, isEndAnchored } of branches) {
      const [from, to] = [this.#state(), this.#state()];
      this.#at(this.#start).silent.push(from);
      if (!isStartAnchored) this.#at(from).steps.push({ ranges: anything, to: from });
      this.#add(node, from, to);
      if (!isEndAnchored) this.#at(to).steps.push({ ranges: anything, to });
      this.#at(to).silent.push(this.#end);
    }
  }

  *ranges(): Iterable<Range> {
    for (const { steps } of this.#states) for (const { ranges } of steps) yield* ranges;
  }

  begin(): readonly number[] {
    return this.#closure([this.#start]);
  }

  step(states: readonly number[], letter: number): readonly number[] {
    const reached = states.flatMap((state) =>
      this.#at(state)
        .steps.filter(({ ranges }) => ranges.some(([from, to]) => from <= letter && letter <= to))
        .map(({ to }) => to),
    );
    return this.#closure(reached);
  }

  accepts(states: readonly number[]): boolean {
    return states.includes(this.#end);
  }

  #closure(states: readonly number[]): readonly number[] {
    const found = new Set(states);
    for (const state of found) for (const next of this.#at(state).silent) found.add(next);
    return [...found].toSorted((a, b) => a - b);
  }

  #at(state: number): State {
    return this.#states[state] as State;
  }

  #state(): number {
    return this.#states.push({ silent: [], steps: [] }) - 1;
  }

  #add(node: PatternNode, from: number, to: number): void {
    // Whatever is added past the limit is never looked at.
    if (this.#states.length > MAX_STATES) return;
    switch (node.type) {
      case "class":
        this.#at(from).steps.push({ ranges: node.negated ? complement(node.ranges) : node.ranges, to });
        return;
      case "sequence":
        this.#chain(node.items, from, to);
        return;
      case "alternatives":
        for (const item of node.items) this.#add(item, from, to);
        return;
      case "repeat":
        this.#repeat(node.item, node.min, node.max, from, to);
    }
  }

  #chain(items: readonly PatternNode[], from: number, to: number): void {
    let at = from;
    for (const item of items) {
      const next = this.#state();
      this.#add(item, at, next);
      at = next;
    }
    this.#at(at).silent.push(to);
  }

  #repeat(item: PatternNode, min: number, max: number | undefined, from: number, to: number): void {
    let at = from;
    for (let count = 0; count < (max ?? min) && this.#states.length <= MAX_STATES; count++) {
      const next = this.#state();
      if (count >= min) this.#at(at).silent.push(to);
      this.#add(item, at, next);
      at = next;
    }
    if (max === undefined) {
      const loop = this.#state();
      this.#at(at).silent.push(loop);
      this.#add(item, loop, loop);
      at = loop;
    }
    this.#at(at).silent.push(to);
  }
}
