import type { Grammar } from "./gbnf.ts";
import { integer, number } from "./json-text.ts";
import { type Bounds, decimalRange, integerRange, LARGEST } from "./number-range.ts";
import { type SchemaObject, unsatisfiable, unsupported } from "./schema.ts";

/** A number within `minimum`, `maximum` and their exclusive kin, as a JSON text. */
export function numberRule(
  grammar: Grammar,
  given: "integer" | "number",
  schema: SchemaObject,
  path: string,
): string {
  const type = schema["multipleOf"] === 1 ? "integer" : given;
  const bounds = readBounds(schema);
  if (bounds === undefined) return type === "integer" ? integer(grammar) : number(grammar);
  const isWhole = [bounds.min, bounds.max].every(
    (bound) => bound === undefined || Number.isSafeInteger(bound),
  );
  if (type === "number" && !isWhole) throw unsupported(path, "minimum", "bounds of numbers must be whole");
  if ((bounds.min ?? 0) > LARGEST || (bounds.max ?? 0) < -LARGEST)
    throw unsupported(path, bounds.min === undefined ? "maximum" : "minimum", "15 digits are the most");
  const range = type === "integer" ? integerRange(bounds) : decimalRange(bounds);
  if (range === undefined) throw unsatisfiable(path, "no number is within its bounds");
  return grammar.rule(range);
}

/** The tighter of each inclusive and exclusive pair; undefined when there is no bound. */
function readBounds(schema: SchemaObject): Bounds | undefined {
  const bound = (keyword: string) => schema[keyword] as number | undefined;
  const [min, above] = [bound("minimum"), bound("exclusiveMinimum")];
  const [max, below] = [bound("maximum"), bound("exclusiveMaximum")];
  if ([min, above, max, below].every((value) => value === undefined)) return undefined;
  const isMinExcluded = above !== undefined && (min === undefined || above >= min);
  const isMaxExcluded = below !== undefined && (max === undefined || below <= max);
  return { min: isMinExcluded ? above : min, max: isMaxExcluded ? below : max, isMinExcluded, isMaxExcluded };
}
