import type { DraftArray } from "./draft-shapes.ts";
import { UnsupportedKeywordError } from "./errors.ts";
import { isWithin } from "./object-shapes.ts";
import type { Literal, Part } from "./part.ts";

/** Items that `contains` counts up to: each count is a state of its own. */
const MAX_COUNTED = 64;

/** An array's shape. @throws UnsupportedKeywordError */
export function arrayShape(
  given: Part,
  path: string,
  nodeOf: (literals: readonly Literal[]) => number,
): DraftArray {
  const part = given.copy();
  for (const { kind, literal, by } of part.unevaluated) {
    if (kind !== "items") continue;
    const own = part.items.filter((item) => isWithin(item.by, by));
    if (own.some(({ isRest }) => isRest)) continue;
    const index = Math.max(0, ...own.map((item) => item.index + 1));
    part.items = [...part.items, { literal, index, isRest: true, by }];
  }
  const lengths = part.items.map(({ index, isRest }) => index + (isRest ? 0 : 1));
  const prefixLength = lengths.reduce((a, b) => Math.max(a, b), 0);
  const at = (position: number) =>
    part.items
      .filter(({ index, isRest }) => (isRest ? index <= position : index === position))
      .map(({ literal }) => literal);
  const positions = Array.from({ length: prefixLength }, (_, position) => position);
  const contained = [
    ...new Map(
      part.contains.map((rule) => [
        JSON.stringify([rule.literal.located.id, rule.literal.isNegated, rule.from, rule.min, rule.max]),
        rule,
      ]),
    ).values(),
  ];
  if (contained.length > 1)
    throw new UnsupportedKeywordError(path, "contains", "more than one of them on an array");
  const [rule] = contained;
  if ((rule?.min ?? 0) > MAX_COUNTED || (rule?.max ?? 0) > MAX_COUNTED)
    throw new UnsupportedKeywordError(path, "contains", `counts above ${MAX_COUNTED}`);
  const counted = (position: number) =>
    rule === undefined || position < rule.from ? -1 : nodeOf([...at(position), rule.literal]);
  const other = (position: number) => {
    if (rule?.max === undefined || position < rule.from) return nodeOf(at(position));
    return nodeOf([...at(position), { ...rule.literal, isNegated: !rule.literal.isNegated }]);
  };
  return {
    type: "array",
    prefix: positions.map((position) => nodeOf(at(position))),
    rest: nodeOf(at(prefixLength)),
    minItems: part.minItems,
    maxItems: part.maxItems,
    isUnique: part.isUnique,
    contains: rule && {
      min: rule.min,
      max: rule.max,
      counted: positions.map(counted),
      countedRest: counted(Math.max(prefixLength, rule.from)),
      other: positions.map(other),
      otherRest: other(Math.max(prefixLength, rule.from)),
    },
  };
}
