import { type TSchema, Type } from "typebox";
import { answerSchema } from "../../http/schema.ts";
import { OneOf } from "../../platform/schema/one-of.ts";

const OrNone = Type.Union([Type.String(), Type.Null()]);

/** A page in OpenAI's list form. */
export function pageOf<T extends TSchema>(item: T, description: string) {
  return answerSchema(
    {
      object: OneOf(["list"]),
      data: Type.Array(item),
      first_id: OrNone,
      last_id: OrNone,
      has_more: Type.Boolean(),
    },
    description,
  );
}

export const InputItems = pageOf(
  Type.Object({}, { additionalProperties: true }),
  "Items, the latest first unless they are asked for in another order.",
);

/** Which page of items is wanted. */
export const ItemPage = Type.Object({
  limit: Type.Integer({ minimum: 1, maximum: 100, default: 20 }),
  order: OneOf(["asc", "desc"], { default: "desc" }),
  after: Type.Optional(Type.String({ maxLength: 128 })),
});
