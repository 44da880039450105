import type { ArrayShape, ContainsRule } from "./json-program.ts";

/** One shape that an array may still have, and how far it has come in it. */
export interface ArrayEntry {
  readonly shape: number;
  /** Items that are there, as far as their number matters. */
  readonly index: number;
  /** Of these, how many count for `contains`, as far as it matters. */
  readonly counted: number;
}

/** What an item may be, and what is left of the array behind it. */
export interface ItemChoice {
  readonly after: ArrayEntry;
  readonly node: number;
}

/** Items that are told apart by their number. */
function lastIndex({ prefix, minItems, maxItems }: ArrayShape): number {
  return Math.max(prefix.length, minItems, maxItems ?? 0);
}

/** Items from `index` on that may count. */
function countable({ counted, countedRest }: ContainsRule, shape: ArrayShape, index: number): number {
  const { maxItems = Number.POSITIVE_INFINITY, prefix } = shape;
  let total = 0;
  for (let at = index; at < Math.min(prefix.length, maxItems); at++) if ((counted[at] ?? -1) >= 0) total++;
  return total + (countedRest >= 0 ? Math.max(0, maxItems - Math.max(index, prefix.length)) : 0);
}

export function itemChoices(shape: ArrayShape, entry: ArrayEntry): readonly ItemChoice[] {
  const { prefix, rest, maxItems = Number.POSITIVE_INFINITY, contains } = shape;
  const { index, counted } = entry;
  if (index >= maxItems) return [];
  const next = Math.min(index + 1, lastIndex(shape));
  if (contains === undefined) {
    const node = prefix[index] ?? rest;
    return node < 0 ? [] : [{ after: { ...entry, index: next }, node }];
  }
  const choices: ItemChoice[] = [];
  const { min, max } = contains;
  const later = countable(contains, shape, index + 1);
  const countedNode = index < prefix.length ? (contains.counted[index] ?? -1) : contains.countedRest;
  const otherNode = index < prefix.length ? (contains.other[index] ?? -1) : contains.otherRest;
  if (countedNode >= 0 && (max === undefined || counted < max) && counted + 1 + later >= min) {
    // Without an upper bound, more than enough is enough.
    const total = max === undefined ? Math.min(counted + 1, min) : counted + 1;
    choices.push({ after: { shape: entry.shape, index: next, counted: total }, node: countedNode });
  }
  if (otherNode >= 0 && counted + later >= min) {
    choices.push({ after: { ...entry, index: next }, node: otherNode });
  }
  return choices;
}

export function mayEnd({ minItems, contains }: ArrayShape, { index, counted }: ArrayEntry): boolean {
  return index >= minItems && counted >= (contains?.min ?? 0);
}
