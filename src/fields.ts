import { Type } from "typebox";

/** Fields that several request schemas share. */

/** Text that a client sends: 1 to 200,000 characters, not only white space. */
export function PromptText(description: string) {
  return Type.String({ maxLength: 200_000, pattern: "\\S", format: "text", description });
}

/** One of a few words; a wrong one is answered with the list. */
export function Choice<const T extends string>(values: readonly T[], options: object = {}) {
  return Type.Unsafe<T>({ type: "string", enum: values, ...options });
}
