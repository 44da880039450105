import { InvalidRequestError } from "../errors.ts";
import { isSet } from "../platform/schema/nullable.ts";
import type { Note } from "./notes.ts";

/** A parameter that this server can't honour. */
export interface Unsupported {
  /** Its name, with those it is in: `text.verbosity`. */
  readonly param: string;
  /** Why, or what to use instead; ends the sentence "… is not supported: ". */
  readonly reason: string;
  /** It asks for speed, effort, price or convenience, and answers are as good without: it is taken, and noted. */
  readonly isWish?: true;
  /** Values that ask for nothing that isn't so anyway. */
  readonly harmless?: (value: unknown, body: Readonly<Record<string, unknown>>) => boolean;
  /** What clients look for to continue without it. */
  readonly details?: Readonly<Record<string, unknown>>;
}

export const oneOf =
  (...values: readonly unknown[]) =>
  (value: unknown) =>
    values.includes(value);
export const isEmpty = (value: unknown) => Array.isArray(value) && value.length === 0;

/**
 * Goes through what a request asks for that can't be had.
 * @returns the wishes among it
 * @throws InvalidRequestError naming the first parameter that would change the result
 */
export function accountFor(body: object, list: readonly Unsupported[]): Note[] {
  const notes: Note[] = [];
  for (const { param, reason, isWish, harmless, details } of list) {
    const value = at(body, param);
    if (!isSet(value) || harmless?.(value, body as Readonly<Record<string, unknown>>) === true) continue;
    if (isWish !== true)
      throw new InvalidRequestError(`${param} is not supported: ${reason}.`, {
        param,
        ...(details !== undefined && { details }),
      });
    notes.push({ param, reason });
  }
  return notes;
}

function at(body: object, path: string): unknown {
  let value: unknown = body;
  for (const step of path.split(".")) {
    if (value === null || typeof value !== "object") return undefined;
    value = (value as Readonly<Record<string, unknown>>)[step];
  }
  return value;
}
