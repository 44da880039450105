import type { JsonObject } from "../dataset.ts";
import { RecordProblem } from "./problem.ts";

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Text that must be there and say something. `maxLength` in UTF-16 units, as JavaScript counts. */
export function requiredText(value: unknown, path: string, maxLength: number): string {
  if (value === undefined || value === null)
    throw new RecordProblem("missing_required_field", path, "is required");
  const text = optionalText(value, path, maxLength) ?? "";
  if (text.trim() === "")
    throw new RecordProblem("missing_required_field", path, "must not be empty or only white space");
  return text;
}

/** Absent, `null` and undefined are the same: nothing was said. */
export function optionalText(value: unknown, path: string, maxLength: number): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "string") throw new RecordProblem("invalid_field_type", path, "must be a string");
  if (value.length > maxLength)
    throw new RecordProblem("string_too_long", path, `must have at most ${maxLength} characters`);
  return value;
}

export function optionalObject(value: unknown, path: string): JsonObject | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isObject(value)) throw new RecordProblem("invalid_field_type", path, "must be a JSON object");
  return value;
}

export function optionalTexts(
  value: unknown,
  path: string,
  limits: { readonly items: number; readonly length: number },
): readonly string[] | undefined {
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value))
    throw new RecordProblem("invalid_field_type", path, "must be an array of strings");
  if (value.length > limits.items)
    throw new RecordProblem("value_out_of_range", path, `must have at most ${limits.items} items`);
  return value.map((item, index) => requiredText(item, `${path}/${index}`, limits.length));
}
