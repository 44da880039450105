import type { Automaton } from "../../inference/constraints/automaton.ts";
import type {
  ArrayShape,
  JsonProgram,
  ObjectShape,
  Shape,
} from "../../inference/constraints/json-program.ts";
import type { DraftArray, DraftObject, DraftShape } from "./draft-shapes.ts";
import { assertAwaited } from "./patience.ts";
import { type Drafts, valueCount } from "./value-count.ts";

/** Which nodes have a value at all: the least set that holds itself up. */
export function areLiving(drafts: Drafts): readonly boolean[] {
  const living = drafts.map(() => false);
  for (let hasGrown = true; hasGrown; ) {
    assertAwaited();
    hasGrown = false;
    // Nodes refer to later ones for the most part.
    for (let node = drafts.length - 1; node >= 0; node--) {
      if (living[node] === true || !drafts[node]?.some((shape) => isLiving(shape, living, drafts))) continue;
      living[node] = true;
      hasGrown = true;
    }
  }
  return living;
}

function isLiving(shape: DraftShape, living: readonly boolean[], drafts: Drafts): boolean {
  const lives = (node: number | undefined) => node !== undefined && living[node] === true;
  if (shape.type === "array") {
    if (shape.minItems > mostItems(shape, living, drafts)) return false;
    const { contains, prefix } = shape;
    return contains === undefined || countable(shape, contains, living, prefix.length) >= contains.min;
  }
  if (shape.type === "object") {
    const nodeOf = new Map(shape.names.map(({ name, node }) => [name, node]));
    const named = shape.names.filter(({ node }) => lives(node)).length;
    const others = otherNames(shape.others.filter(({ node }) => lives(node)));
    return (
      shape.required.every((name) => lives(nodeOf.get(name))) &&
      shape.minProperties <= named + others &&
      Math.max(shape.minProperties, shape.required.length) <=
        (shape.maxProperties ?? Number.POSITIVE_INFINITY)
    );
  }
  return true;
}

function otherNames(others: DraftObject["others"]): number {
  return others.reduce((sum, { nameCount }) => sum + nameCount, 0);
}

function mostItems(shape: DraftArray, living: readonly boolean[], drafts: Drafts): number {
  const { prefix, rest, maxItems, isUnique } = shape;
  const dead = prefix.findIndex((node) => living[node] !== true);
  const bound = dead >= 0 ? dead : living[rest] === true ? Number.POSITIVE_INFINITY : prefix.length;
  const different = isUnique && prefix.length === 0 ? valueCount(rest, drafts) : Number.POSITIVE_INFINITY;
  return Math.min(bound, different, maxItems ?? Number.POSITIVE_INFINITY, mostUncounted(shape, living));
}

/** Items before one too many has to count for `contains`. */
function mostUncounted({ prefix, contains }: DraftArray, living: readonly boolean[]): number {
  if (contains?.max === undefined) return Number.POSITIVE_INFINITY;
  let left = contains.max;
  for (let index = 0; index < prefix.length; index++) {
    if (living[contains.other[index] ?? -1] === true) continue;
    if (left-- === 0) return index;
  }
  return living[contains.otherRest] === true ? Number.POSITIVE_INFINITY : prefix.length + left;
}

function countable(
  { maxItems }: DraftArray,
  { counted, countedRest }: NonNullable<DraftArray["contains"]>,
  living: readonly boolean[],
  prefixLength: number,
): number {
  const most = maxItems ?? Number.POSITIVE_INFINITY;
  const inPrefix = counted
    .slice(0, Math.min(most, prefixLength))
    .filter((node) => living[node] === true).length;
  return inPrefix + (living[countedRest] === true ? Math.max(0, most - prefixLength) : 0);
}

/** The program of what is left once shapes and nodes without a value are taken out; node 0 is its start. */
export function programOf(
  drafts: Drafts,
  living: readonly boolean[],
  automata: readonly Automaton[],
  isForWriting: boolean,
): JsonProgram {
  const renamed = new Map<number, number>();
  for (const [node, lives] of living.entries()) if (lives) renamed.set(node, renamed.size);
  const rename = (node: number) => renamed.get(node) ?? -1;
  const shapes: Shape[] = [];
  const known = new Map<string, number>();
  const indexOf = (shape: Shape) => {
    const key = JSON.stringify(shape);
    let index = known.get(key);
    if (index === undefined) {
      index = shapes.push(shape) - 1;
      known.set(key, index);
    }
    return index;
  };
  const nodes = drafts
    .filter((_, node) => living[node])
    .map((own) => {
      const left = own.filter((shape) => isLiving(shape, living, drafts));
      return [...new Set(left.map((shape) => indexOf(finished(shape, rename, living, drafts))))];
    });
  return { nodes, shapes, automata, isForWriting };
}

function finished(
  shape: DraftShape,
  rename: (node: number) => number,
  living: readonly boolean[],
  drafts: Drafts,
): Shape {
  switch (shape.type) {
    case "array":
      return finishedArray(shape, rename, mostItems(shape, living, drafts));
    case "object":
      return finishedObject(shape, rename);
    default:
      return shape;
  }
}

function finishedArray(shape: DraftArray, rename: (node: number) => number, most: number): ArrayShape {
  const { prefix, rest, minItems, isUnique, contains } = shape;
  const max = contains?.max;
  return {
    type: "array",
    prefix: prefix.slice(0, most).map(rename),
    rest: rename(rest),
    minItems,
    ...(most < Number.POSITIVE_INFINITY && { maxItems: most }),
    ...(isUnique && { isUnique }),
    ...(contains !== undefined && {
      contains: {
        min: contains.min,
        ...(max !== undefined && { max }),
        counted: contains.counted.map(rename),
        countedRest: rename(contains.countedRest),
        other: contains.other.map(rename),
        otherRest: rename(contains.otherRest),
      },
    }),
  };
}

function finishedObject(shape: DraftObject, rename: (node: number) => number): ObjectShape {
  const { names, required, forbidden, others, minProperties, maxProperties } = shape;
  const usable = names.filter(({ node }) => rename(node) >= 0);
  const needed = new Set(required);
  const living = others.filter(({ node }) => rename(node) >= 0);
  const nameCount = otherNames(living);
  return {
    type: "object",
    names: usable.map(({ name }) => name),
    nodes: usable.map(({ node }) => rename(node)),
    required: usable.map(({ name }) => needed.has(name)),
    forbidden: [...forbidden, ...names.filter(({ node }) => rename(node) < 0).map(({ name }) => name)],
    others: living.map(({ automaton, node }) => ({
      ...(automaton !== undefined && { automaton }),
      node: rename(node),
    })),
    ...(living.length > 0 && nameCount < Number.POSITIVE_INFINITY && { otherNames: nameCount }),
    minProperties,
    ...(maxProperties !== undefined && { maxProperties }),
  };
}
