/**
 * A deterministic automaton over code points, as plain data. Code points fall into classes; `table` has one row of
 * `classCount` targets per state, -1 where no accepted text continues so. State 0 is the start, and every state
 * reaches an accepting one.
 */
export interface Automaton {
  /** First code point of each range, ascending from 0; a range ends before the next. */
  readonly starts: Int32Array;
  /** Class of each range. */
  readonly classes: Uint16Array;
  readonly classCount: number;
  readonly table: Int32Array;
  readonly accepting: Uint8Array;
}

export const LAST_CODE_POINT = 0x10ffff;

/** Index of the range that holds a code point. */
export function rangeAt(starts: Int32Array, codePoint: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] as number) <= codePoint) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** What is derived from an automaton once: a table for ASCII, and how far each state is from accepting. */
export class AutomatonRunner {
  readonly automaton: Automaton;
  readonly #loops: boolean[] = [];
  readonly #asciiClasses = new Uint16Array(128);
  /** Code points to the nearest accepted text, and to the farthest: Infinity where there is none. */
  readonly shortest: Float64Array;
  readonly longest: Float64Array;

  constructor(automaton: Automaton) {
    this.automaton = automaton;
    for (let code = 0; code < 128; code++) {
      this.#asciiClasses[code] = automaton.classes[rangeAt(automaton.starts, code)] as number;
    }
    this.shortest = shortestPaths(automaton);
    this.longest = longestPaths(automaton);
  }

  accepts(state: number): boolean {
    return this.automaton.accepting[state] === 1;
  }

  /** Whether any character leads back to a state: whatever follows is accepted. */
  loops(state: number): boolean {
    let loops = this.#loops[state];
    if (loops === undefined) {
      const { classCount, table } = this.automaton;
      loops = table.subarray(state * classCount, (state + 1) * classCount).every((to) => to === state);
      this.#loops[state] = loops;
    }
    return loops;
  }

  /** -1 where nothing follows. */
  next(state: number, codePoint: number): number {
    const { starts, classes, classCount, table } = this.automaton;
    const which =
      codePoint < 128
        ? (this.#asciiClasses[codePoint] as number)
        : (classes[rangeAt(starts, codePoint)] as number);
    return table[state * classCount + which] as number;
  }

  /** Whether some code point of a range leads on. */
  continuesWithin(state: number, from: number, to: number): boolean {
    const { starts, classes, classCount, table } = this.automaton;
    for (
      let range = rangeAt(starts, from);
      range < starts.length && (starts[range] as number) <= to;
      range++
    ) {
      if ((table[state * classCount + (classes[range] as number)] as number) >= 0) return true;
    }
    return false;
  }
}

function successors({ table, classCount }: Automaton, state: number): Set<number> {
  const found = new Set<number>();
  for (let index = state * classCount; index < (state + 1) * classCount; index++) {
    const target = table[index] as number;
    if (target >= 0) found.add(target);
  }
  return found;
}

function shortestPaths(automaton: Automaton): Float64Array {
  const count = automaton.accepting.length;
  const before: number[][] = Array.from({ length: count }, () => []);
  for (let state = 0; state < count; state++)
    for (const target of successors(automaton, state)) before[target]?.push(state);
  const lengths = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
  let layer: number[] = [];
  for (let state = 0; state < count; state++) if (automaton.accepting[state] === 1) layer.push(state);
  for (let length = 0; layer.length > 0; length++) {
    for (const state of layer) lengths[state] = length;
    const next = layer.flatMap((state) => before[state] ?? []);
    layer = [...new Set(next)].filter((state) => lengths[state] === Number.POSITIVE_INFINITY);
  }
  return lengths;
}

const longestKnown = new WeakMap<Automaton, Float64Array>();

/** From each state, how many characters the longest text has. */
export function longestPaths(automaton: Automaton): Float64Array {
  const lengths = longestKnown.get(automaton) ?? findLongestPaths(automaton);
  longestKnown.set(automaton, lengths);
  return lengths;
}

/** By taking away states without successors, again and again; those that are left lie on a cycle or lead to one. */
function findLongestPaths(automaton: Automaton): Float64Array {
  const count = automaton.accepting.length;
  const lengths = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
  const open = new Int32Array(count);
  const before: number[][] = Array.from({ length: count }, () => []);
  const reach = new Float64Array(count);
  const done: number[] = [];
  for (let state = 0; state < count; state++) {
    const targets = successors(automaton, state);
    open[state] = targets.size;
    for (const target of targets) before[target]?.push(state);
    if (targets.size === 0) done.push(state);
  }
  for (let state = done.pop(); state !== undefined; state = done.pop()) {
    const length = reach[state] as number;
    lengths[state] = length;
    for (const source of before[state] ?? []) {
      reach[source] = Math.max(reach[source] as number, length + 1);
      open[source] = (open[source] as number) - 1;
      if (open[source] === 0) done.push(source);
    }
  }
  return lengths;
}

/** How many texts are accepted, Infinity where there is no end of them. */
export function textCount(automaton: Automaton): number {
  const { starts, classes, classCount, table, accepting } = automaton;
  const longest = longestPaths(automaton);
  if (longest[0] === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY;
  const sizes = new Float64Array(classCount);
  for (const [range, start] of starts.entries()) {
    const which = classes[range] as number;
    sizes[which] = (sizes[which] as number) + (starts[range + 1] ?? LAST_CODE_POINT + 1) - start;
  }
  const counts = Float64Array.from(accepting);
  // Whatever follows a state is nearer to the end.
  const byDistance = [...longest.keys()].sort((a, b) => (longest[a] as number) - (longest[b] as number));
  for (const state of byDistance) {
    for (let which = 0; which < classCount; which++) {
      const target = table[state * classCount + which] as number;
      if (target >= 0)
        counts[state] = (counts[state] as number) + (sizes[which] as number) * (counts[target] as number);
    }
  }
  return counts[0] as number;
}
