import { ceilDivide, parseDecimal, scaledTo } from "../../inference/constraints/decimal.ts";
import type { NumberShape } from "../../inference/constraints/json-program.ts";
import type { DraftArray, DraftObject, DraftShape } from "./draft-shapes.ts";

export type Drafts = ReadonlyArray<readonly DraftShape[]>;

/** Past it, how many there are is of no interest. */
const MANY = 1e6;

/** At most how many different values a node has; Infinity for very many. Values of several shapes count for each. */
export function valueCount(
  node: number,
  drafts: Drafts,
  known: Map<number, number> = new Map<number, number>(),
): number {
  const before = known.get(node);
  if (before !== undefined) return before;
  // While it is being counted, a node that holds itself.
  known.set(node, Number.POSITIVE_INFINITY);
  const count = (inner: number) => valueCount(inner, drafts, known);
  const scalars = new Set<string>();
  let total = 0;
  for (const shape of drafts[node] ?? []) {
    if (shape.type === "null") scalars.add("null");
    else if (shape.type === "boolean") scalars.add(String(shape.value));
    else if (shape.type === "array") total += arrayCount(shape, count);
    else if (shape.type === "object") total += objectCount(shape, count);
    else if (shape.texts !== undefined) for (const text of shape.texts) scalars.add(shape.type + text);
    else total += shape.type === "number" ? multiplesOf(shape) : Number.POSITIVE_INFINITY;
  }
  const all = total + scalars.size;
  const bounded = all > MANY ? Number.POSITIVE_INFINITY : all;
  known.set(node, bounded);
  return bounded;
}

function arrayCount(
  { prefix, rest, minItems, maxItems }: DraftArray,
  count: (node: number) => number,
): number {
  let total = 0;
  let ofLength = 1;
  for (let length = 0; length <= (maxItems ?? Number.POSITIVE_INFINITY); length++) {
    if (length >= minItems) total += ofLength;
    ofLength *= count(prefix[length] ?? rest);
    if (ofLength === 0) break;
    if (total > MANY || ofLength > MANY || length > MANY) return Number.POSITIVE_INFINITY;
  }
  return total;
}

function objectCount({ names, required, others }: DraftObject, count: (node: number) => number): number {
  if (others.some(({ node }) => count(node) > 0)) return Number.POSITIVE_INFINITY;
  return names.reduce(
    (total, { name, node }) => (total === 0 ? 0 : total * (count(node) + (required.includes(name) ? 0 : 1))),
    1,
  );
}

/** Numbers between bounds, where they have a step. */
function multiplesOf({ min, max, multipleOf, excludesMin, excludesMax, not = [] }: NumberShape): number {
  if (min === undefined || max === undefined || multipleOf === undefined) return Number.POSITIVE_INFINITY;
  const others = [...new Set(not)].map(parseDecimal);
  const [low, high, unit] = [parseDecimal(min), parseDecimal(max), parseDecimal(multipleOf)];
  const scale = Math.max(...[low, high, unit, ...others].map((value) => value.scale));
  const [least, most, step] = [scaledTo(low, scale), scaledTo(high, scale), scaledTo(unit, scale)];
  const first = ceilDivide(least, step) + (excludesMin === true && least % step === 0n ? 1n : 0n);
  const last = -ceilDivide(-most, step) - (excludesMax === true && most % step === 0n ? 1n : 0n);
  const left = others.filter((other) => {
    const value = scaledTo(other, scale);
    return value % step === 0n && value >= first * step && value <= last * step;
  });
  return Number(last - first + 1n) - left.length;
}
