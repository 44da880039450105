import { InvalidRequestError } from "../errors.ts";
import { isSet } from "../platform/schema/nullable.ts";

/** A request parameter that this server can't honour. */
export interface Unsupported {
  readonly param: string;
  /** Why, or what to use instead; ends the sentence "… is not supported: ". */
  readonly reason: string;
  /** Values that ask for nothing that isn't so anyway. */
  readonly harmless?: (value: unknown) => boolean;
  /** What clients look for to continue without it. */
  readonly details?: Readonly<Record<string, unknown>>;
}

export const oneOf =
  (...values: readonly unknown[]) =>
  (value: unknown) =>
    values.includes(value);
export const isEmpty = (value: unknown) => Array.isArray(value) && value.length === 0;

/** @throws InvalidRequestError naming the first parameter that would change the result and can't be honoured */
export function refuseUnsupported(body: object, list: readonly Unsupported[]): void {
  for (const { param, reason, harmless, details } of list) {
    const value = (body as Record<string, unknown>)[param];
    if (isSet(value) && harmless?.(value) !== true)
      throw new InvalidRequestError(`${param} is not supported: ${reason}.`, {
        param,
        ...(details !== undefined && { details }),
      });
  }
}
