import { Type } from "typebox";
import { OneOf } from "../../platform/schema/one-of.ts";
import { pageOf } from "../openai/item-pages.ts";

/** Things of OpenAI's many shapes; its reference describes them. */
export const Open = (description: string) => Type.Object({}, { additionalProperties: true, description });

export const OpenPage = pageOf(Open("As in OpenAI's reference."), "The latest first unless asked otherwise.");

/** Which page of a list is wanted. */
export const ListQuery = Type.Object({
  limit: Type.Integer({ minimum: 1, maximum: 100, default: 20 }),
  order: OneOf(["asc", "desc"], { default: "desc" }),
  after: Type.Optional(Type.String({ maxLength: 128 })),
});

/** A page in OpenAI's list form. */
export function toPage<T extends { readonly id: string }>(data: readonly T[], hasMore: boolean) {
  return {
    object: "list" as const,
    data: [...data],
    first_id: data.at(0)?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: hasMore,
  };
}

const Id = Type.String({ minLength: 1, maxLength: 128 });
export const OneId = Type.Object({ id: Id });
export const OneTurn = Type.Object({ id: Id, turn: Id });

export const config = { scope: "inference" } as const;
export const tags = ["Agents"];
