import { type Automaton, longestPaths } from "../../inference/constraints/automaton.ts";
import { type CharacterSet, wordCharacter } from "./character-set.ts";
import type { Condition, Nfa } from "./nfa.ts";
import { assertAwaited } from "./patience.ts";
import { RegexError } from "./regex-syntax.ts";

/** Largest automaton, and most work for one; beyond, a pattern is refused as too complex. */
const MAX_STATES = 3000;
const MAX_WORK = 800_000;

function tooComplex(): RegexError {
  return new RegexError("a combination that needs too many states");
}

interface Classes {
  readonly starts: Int32Array;
  readonly classes: Uint16Array;
  readonly classCount: number;
}

/** Code points that no set tells apart are of one class. Returns besides which classes each set has. */
function classify(sets: readonly CharacterSet[]): Classes & { readonly members: readonly number[][] } {
  const points = new Set<number>([0]);
  for (const set of sets) for (const [from, to] of set) points.add(from).add(to + 1);
  points.delete(0x110000);
  const starts = Int32Array.from([...points].sort((a, b) => a - b));
  const indexOf = new Map(Array.from(starts, (start, index) => [start, index]));
  const signatures: number[][] = Array.from(starts, () => []);
  for (const [which, set] of sets.entries()) {
    for (const [from, to] of set) {
      const end = indexOf.get(to + 1) ?? starts.length;
      for (let range = indexOf.get(from) ?? 0; range < end; range++) signatures[range]?.push(which);
    }
  }
  const bySignature = new Map<string, number>();
  const members: number[][] = sets.map(() => []);
  const classes = Uint16Array.from(signatures, (signature) => {
    const key = signature.join();
    let found = bySignature.get(key);
    if (found === undefined) {
      found = bySignature.size;
      bySignature.set(key, found);
      for (const which of signature) members[which]?.push(found);
    }
    return found;
  });
  return { starts, classes, classCount: bySignature.size, members };
}

/** Subset construction. Undefined where nothing is accepted. @throws RegexError when it grows too large */
export function determinize(nfa: Nfa): Automaton | undefined {
  const setIds = new Map<string, number>();
  const sets: CharacterSet[] = [];
  const idOf = (set: CharacterSet) => {
    const key = set.join(";");
    const id = setIds.get(key) ?? sets.length;
    if (id === sets.length) {
      setIds.set(key, id);
      sets.push(set);
    }
    return id;
  };
  const edges = nfa.reading.map((out) => out.map(({ to, set }) => ({ to, set: idOf(set) })));
  const wordSet = nfa.hasWordBoundaries ? idOf(wordCharacter) : -1;
  const { members, ...classes } = classify(sets);
  const { classCount } = classes;
  const isWord = new Uint8Array(classCount);
  for (const which of members[wordSet] ?? []) isWord[which] = 1;

  let work = 0;
  const close = (kernel: readonly number[], passes: (condition: Condition) => boolean): number[] => {
    const seen = new Set(kernel);
    const stack = [...kernel];
    for (let state = stack.pop(); state !== undefined; state = stack.pop()) {
      for (const { to, condition } of nfa.empty[state] ?? []) {
        if (seen.has(to) || !passes(condition)) continue;
        seen.add(to);
        stack.push(to);
      }
    }
    work += seen.size;
    if (work > MAX_WORK) throw tooComplex();
    return [...seen];
  };

  interface Place {
    readonly kernel: readonly number[];
    readonly isStart: boolean;
    readonly isBehindWord: boolean;
  }
  const places: Place[] = [{ kernel: [0], isStart: true, isBehindWord: false }];
  const ids = new Map<string, number>();
  const rows: Int32Array[] = [];
  const accepting: number[] = [];
  for (let id = 0; id < places.length; id++) {
    assertAwaited();
    const { kernel, isStart, isBehindWord } = places[id] as Place;
    const passes = (isEnd: boolean, isBeforeWord: boolean) => (condition: Condition) => {
      switch (condition) {
        case "always":
          return true;
        case "start":
          return isStart;
        case "end":
          return isEnd;
        case "word":
          return isBehindWord !== isBeforeWord;
        case "notWord":
          return isBehindWord === isBeforeWord;
      }
    };
    accepting.push(close(kernel, passes(true, false)).includes(1) ? 1 : 0);
    const row = new Int32Array(classCount).fill(-1);
    rows.push(row);
    for (const nextIsWord of nfa.hasWordBoundaries ? [0, 1] : [0]) {
      const targets: Array<number[] | undefined> = new Array(classCount);
      for (const state of close(kernel, passes(false, nextIsWord === 1))) {
        for (const { to, set } of edges[state] ?? []) {
          const reached = members[set] ?? [];
          work += reached.length;
          for (const which of reached) {
            const list = targets[which];
            if (list === undefined) targets[which] = [to];
            else list.push(to);
          }
        }
      }
      for (let which = 0; which < classCount; which++) {
        const found = targets[which];
        if (found === undefined || (nfa.hasWordBoundaries && isWord[which] !== nextIsWord)) continue;
        const next = [...new Set(found)].sort((a, b) => a - b);
        work += next.length;
        const key = `${nextIsWord}:${next.join()}`;
        let target = ids.get(key);
        if (target === undefined) {
          target = places.push({ kernel: next, isStart: false, isBehindWord: nextIsWord === 1 }) - 1;
          if (target >= MAX_STATES) throw tooComplex();
          ids.set(key, target);
        }
        row[which] = target;
      }
      if (work > MAX_WORK) throw tooComplex();
    }
  }
  return trim(classes, rows, accepting);
}

/** Leaves out states from which nothing is accepted. */
function trim(
  classes: Classes,
  rows: readonly Int32Array[],
  accepting: readonly number[],
): Automaton | undefined {
  const live = leadingTo(accepting, rows);
  if (live[0] !== 1) return undefined;
  const renamed = new Int32Array(rows.length).fill(-1);
  let count = 0;
  for (let state = 0; state < rows.length; state++) if (live[state] === 1) renamed[state] = count++;
  const { classCount } = classes;
  const table = new Int32Array(count * classCount);
  const accepts = new Uint8Array(count);
  for (let state = 0; state < rows.length; state++) {
    const own = renamed[state] as number;
    if (own < 0) continue;
    const row = rows[state] as Int32Array;
    accepts[own] = accepting[state] as number;
    for (let which = 0; which < classCount; which++) {
      const target = row[which] as number;
      table[own * classCount + which] = target < 0 ? -1 : (renamed[target] as number);
    }
  }
  return { ...classes, table, accepting: accepts };
}

/** 1 for each state that accepts or leads to one that does. */
function leadingTo(accepting: readonly number[], rows: readonly Int32Array[]): Uint8Array {
  const live = Uint8Array.from(accepting);
  for (let hasGrown = true; hasGrown; ) {
    assertAwaited();
    hasGrown = false;
    // States refer to later ones for the most part.
    for (let state = rows.length - 1; state >= 0; state--) {
      if (live[state] === 1) continue;
      const row = rows[state] as Int32Array;
      let which = 0;
      while (which < row.length && ((row[which] as number) < 0 || live[row[which] as number] === 0)) which++;
      if (which === row.length) continue;
      live[state] = 1;
      hasGrown = true;
    }
  }
  return live;
}

/** Texts of `a` that `b` has too, or has not. Undefined where there are none. @throws RegexError */
export function combine(a: Automaton, b: Automaton, kind: "and" | "without"): Automaton | undefined {
  const points = [...new Set([...a.starts, ...b.starts])].sort((x, y) => x - y);
  const byPair = new Map<number, number>();
  const pairs: Array<readonly [number, number]> = [];
  let [inA, inB] = [0, 0];
  const classes = Uint16Array.from(points, (point) => {
    while ((a.starts[inA + 1] ?? Number.POSITIVE_INFINITY) <= point) inA++;
    while ((b.starts[inB + 1] ?? Number.POSITIVE_INFINITY) <= point) inB++;
    const pair = [a.classes[inA] as number, b.classes[inB] as number] as const;
    const key = pair[0] * b.classCount + pair[1];
    let found = byPair.get(key);
    if (found === undefined) {
      found = pairs.push(pair) - 1;
      byPair.set(key, found);
    }
    return found;
  });
  // The state past the last stands for texts that `b` has lost.
  const lost = b.accepting.length;
  const places: Array<readonly [number, number]> = [[0, 0]];
  // One more than the number of a place, 0 for what was not reached.
  const ids = new Int32Array(a.accepting.length * (lost + 1));
  ids[0] = 1;
  const firsts = Uint16Array.from(pairs, ([inFirst]) => inFirst);
  const seconds = Uint16Array.from(pairs, ([, inSecond]) => inSecond);
  const rows: Int32Array[] = [];
  const accepting: number[] = [];
  for (let id = 0; id < places.length; id++) {
    assertAwaited();
    const [x, y] = places[id] as readonly [number, number];
    accepting.push(a.accepting[x] === 1 && (b.accepting[y] === 1) === (kind === "and") ? 1 : 0);
    const row = new Int32Array(pairs.length).fill(-1);
    for (let which = 0; which < pairs.length; which++) {
      const nextX = a.table[x * a.classCount + (firsts[which] as number)] as number;
      if (nextX < 0) continue;
      const found = y === lost ? -1 : (b.table[y * b.classCount + (seconds[which] as number)] as number);
      if (found < 0 && kind === "and") continue;
      const nextY = found < 0 ? lost : found;
      const key = nextX * (lost + 1) + nextY;
      let target = ids[key] as number;
      if (target === 0) {
        target = places.push([nextX, nextY]);
        if (target > MAX_STATES) throw tooComplex();
        ids[key] = target;
      }
      row[which] = target - 1;
    }
    rows.push(row);
  }
  return trim({ starts: Int32Array.from(points), classes, classCount: pairs.length }, rows, accepting);
}

/** The texts, where there are at most `limit`. */
export function finiteTexts(automaton: Automaton, limit: number): readonly string[] | undefined {
  if (longestPaths(automaton)[0] === Number.POSITIVE_INFINITY) return undefined;
  const { starts, classes, classCount, table, accepting } = automaton;
  const texts: string[] = [];
  let places: Array<{ readonly state: number; readonly text: string }> = [{ state: 0, text: "" }];
  while (places.length > 0) {
    const next: typeof places = [];
    for (const { state, text } of places) {
      if (accepting[state] === 1) texts.push(text);
      for (const [range, start] of starts.entries()) {
        const target = table[state * classCount + (classes[range] as number)] as number;
        if (target < 0) continue;
        const end = starts[range + 1] ?? 0x110000;
        if (end - start > limit) return undefined;
        for (let code = start; code < end; code++)
          next.push({ state: target, text: text + String.fromCodePoint(code) });
      }
      if (next.length + texts.length > limit) return undefined;
    }
    places = next;
  }
  return texts;
}
