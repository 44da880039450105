import type { ObjectShape } from "./json-program.ts";
import type { TextEnding } from "./text-form.ts";
import { sortTexts } from "./text-list.ts";

/** One shape that an object may still have, and how far it has come in it. */
export interface ObjectEntry {
  readonly shape: number;
  /** Declared properties before this one are over, where they come in order. */
  readonly at: number;
  /** Properties that are there, where their number matters. */
  readonly count: number;
  /** Declared properties that are there, where they may come in any order; sorted. */
  readonly seen: readonly number[];
}

/** A property's value, and what is left of the object behind it. */
export interface KeyChoice {
  readonly after: ObjectEntry;
  readonly node: number;
}

/** What keys may come next. */
export interface KeyChoices {
  /** Texts to tell apart, sorted: names, and what other properties may not be called. */
  readonly texts: readonly string[];
  /** Those of the texts that lead somewhere; left out where all do. */
  readonly wanted: ReadonlySet<string> | undefined;
  /** What a text leads to; nothing where only other properties could be called so, and may not. */
  named(text: string): readonly KeyChoice[];
  /** Properties that have none of the names of their shape; `names` are the texts that they may not have. */
  readonly others: ReadonlyArray<
    KeyChoice & { readonly automaton: number | undefined; readonly excluded: ReadonlySet<string> }
  >;
}

const counts = ({ minProperties, maxProperties }: ObjectShape) =>
  minProperties > 0 || maxProperties !== undefined;

function isOver({ at, seen }: ObjectEntry, index: number, isOrdered: boolean): boolean {
  return isOrdered ? index < at : seen.includes(index);
}

function requiredLeft({ required }: ObjectShape, entry: ObjectEntry, isOrdered: boolean): number {
  let left = 0;
  for (const [index, isRequired] of required.entries())
    if (isRequired && !isOver(entry, index, isOrdered)) left++;
  return left;
}

/** Names that may be written next, and whether others may. */
function nextKeys(shape: ObjectShape, entry: ObjectEntry, isOrdered: boolean) {
  const { required, names, others, minProperties, maxProperties = Number.POSITIVE_INFINITY } = shape;
  const needed = requiredLeft(shape, entry, isOrdered);
  const room = maxProperties - entry.count;
  const unnamed = others.length === 0 ? 0 : (shape.otherNames ?? Number.POSITIVE_INFINITY);
  const isReachable = (after: number) => entry.count + 1 + after + unnamed >= minProperties;
  const indices: number[] = [];
  const left = names.length - entry.seen.length;
  for (let index = isOrdered ? entry.at : 0; index < names.length; index++) {
    if (!isOver(entry, index, isOrdered)) {
      const isRequired = required[index] === true;
      const after = isOrdered ? names.length - index - 1 : left - 1;
      if (room > needed - (isRequired ? 1 : 0) && isReachable(after)) indices.push(index);
      // Those that are required can't be passed over.
      if (isOrdered && isRequired) break;
    }
  }
  // Behind the last of those that have names, as many are left as there were.
  const isBehind = isOrdered && entry.at === names.length;
  const mayBeOther =
    others.length > 0 &&
    room > needed &&
    (!isOrdered || (needed === 0 && (isBehind || entry.count + unnamed >= minProperties)));
  return { indices, mayBeOther };
}

export function mayTakeKey(shape: ObjectShape, entry: ObjectEntry, isOrdered: boolean): boolean {
  const { indices, mayBeOther } = nextKeys(shape, entry, isOrdered);
  return mayBeOther || indices.length > 0;
}

export function mayClose(shape: ObjectShape, entry: ObjectEntry): boolean {
  if (counts(shape) && entry.count < shape.minProperties) return false;
  // Where properties come in order, `seen` is empty and `at` tells; otherwise the other way round.
  return shape.required.every(
    (isRequired, index) => !isRequired || index < entry.at || entry.seen.includes(index),
  );
}

function afterName(shape: ObjectShape, entry: ObjectEntry, index: number, isOrdered: boolean): ObjectEntry {
  return {
    shape: entry.shape,
    at: isOrdered ? index + 1 : 0,
    count: counts(shape) ? entry.count + 1 : 0,
    seen: isOrdered ? [] : [...entry.seen, index].sort((a, b) => a - b),
  };
}

function afterOther(shape: ObjectShape, entry: ObjectEntry, isOrdered: boolean): ObjectEntry {
  return {
    shape: entry.shape,
    at: isOrdered ? shape.names.length : 0,
    count: counts(shape) ? entry.count + 1 : 0,
    seen: entry.seen,
  };
}

/** A shape's properties in the order of their names' code units, and where each name is. */
interface Names {
  readonly sorted: readonly string[];
  readonly indices: ReadonlyMap<string, number>;
}
const knownNames = new WeakMap<ObjectShape, Names>();

function namesOf(shape: ObjectShape): Names {
  let names = knownNames.get(shape);
  if (names === undefined) {
    const indices = new Map(shape.names.map((name, index) => [name, index]));
    names = { sorted: sortTexts(shape.names), indices };
    knownNames.set(shape, names);
  }
  return names;
}

export function keyChoices(
  entries: ReadonlyArray<{ readonly entry: ObjectEntry; readonly shape: ObjectShape }>,
  isOrdered: boolean,
): KeyChoices {
  const others: Array<KeyChoices["others"][number]> = [];
  const excludedTexts: string[] = [];
  const sources = entries.map(({ entry, shape }) => {
    const { indices, mayBeOther } = nextKeys(shape, entry, isOrdered);
    if (mayBeOther) {
      const excluded = new Set([...shape.names, ...shape.forbidden]);
      for (const name of excluded) excludedTexts.push(name);
      const after = afterOther(shape, entry, isOrdered);
      for (const { automaton, node } of shape.others) others.push({ after, node, automaton, excluded });
    }
    return { entry, shape, next: new Set(indices) };
  });
  // Each is sorted already, so that one alone, which may be of thousands of names, need not be.
  const lists = sources.map(({ shape, next }) => {
    const { sorted, indices } = namesOf(shape);
    return sorted.filter((name) => next.has(indices.get(name) ?? -1));
  });
  const [first = []] = lists;
  return {
    texts: lists.length === 1 && others.length === 0 ? first : sortTexts([...lists.flat(), ...excludedTexts]),
    wanted: others.length === 0 ? undefined : new Set(lists.flat()),
    named: (text) =>
      sources.flatMap(({ entry, shape, next }) => {
        const index = namesOf(shape).indices.get(text) ?? -1;
        if (!next.has(index)) return [];
        return [{ after: afterName(shape, entry, index, isOrdered), node: shape.nodes[index] as number }];
      }),
    others,
  };
}

/** What a key leads to that has ended; nothing where it is none that may stand here. */
export function keyChoicesAt(
  { texts, named, others }: KeyChoices,
  endings: readonly TextEnding[],
): readonly KeyChoice[] {
  const found = endings.find(({ text }) => text !== undefined);
  const name = found?.text === undefined ? undefined : texts[found.text];
  const choices: KeyChoice[] = [];
  if (name !== undefined && found?.isEscaped === false) choices.push(...named(name));
  // Names have the first form, where there are any.
  const firstOther = texts.length > 0 ? 1 : 0;
  for (const { form, text } of endings) {
    const other = text === undefined ? others[form - firstOther] : undefined;
    if (other === undefined || (name !== undefined && other.excluded.has(name))) continue;
    choices.push({ after: other.after, node: other.node });
  }
  return choices;
}
