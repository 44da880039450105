import { Type } from "typebox";

/** One of a few words; a wrong one is answered with the list. */
export function OneOf<const T extends string>(values: readonly T[], options: object = {}) {
  return Type.Unsafe<T>({ type: "string", enum: values, ...options });
}
