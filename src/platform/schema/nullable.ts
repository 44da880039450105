import { type Static, type TSchema, Type } from "typebox";

/** OpenAI's clients send null for what is not set; it means the same as leaving the field out. */
export function OrNull<T extends TSchema>(schema: T) {
  const { type, enum: values } = schema as { type?: string | string[]; enum?: readonly unknown[] };
  return Type.Optional(
    Type.Unsafe<Static<T> | null>({
      ...schema,
      ...(type !== undefined && { type: [...[type].flat(), "null"] }),
      ...(values !== undefined && { enum: [...values, null] }),
    }),
  );
}

/** Present, and neither null nor undefined. */
export function isSet<T>(value: T | null | undefined): value is T {
  return value !== null && value !== undefined;
}
