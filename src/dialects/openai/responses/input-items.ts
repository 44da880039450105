import { newId } from "../../../platform/ids.ts";
import { isWellFormed } from "../../../platform/schema/well-formed.ts";
import type { Part } from "../../content.ts";
import type { Item } from "../item-list.ts";

const MAX_ID_LENGTH = 128;

/** A response's input as items with ids, as it is listed afterwards. */
export function toInputItems(input: string | readonly unknown[]): readonly Item[] {
  const items = typeof input === "string" ? [{ role: "user", content: input }] : input;
  return items.map((item) => {
    const {
      type = "message",
      id,
      content,
      ...rest
    } = (typeof item === "string" ? { role: "user", content: item } : item) as Part;
    if (type !== "message")
      return { id: ownId(id) ?? newId("item_"), type, ...(content !== undefined && { content }), ...rest };
    const kind = rest["role"] === "assistant" ? "output_text" : "input_text";
    const parts = typeof content === "string" ? [{ type: kind, text: content }] : content;
    return { id: ownId(id) ?? newId("msg_"), type, status: "completed", ...rest, content: parts ?? [] };
  });
}

/** An id that a client gave an item, where it can be one. */
function ownId(id: unknown): string | undefined {
  const isId = typeof id === "string" && id !== "" && id.length <= MAX_ID_LENGTH && isWellFormed(id);
  return isId ? id : undefined;
}

export interface PageRequest {
  readonly limit: number;
  readonly order: "asc" | "desc";
  /** Id of the item before the page. */
  readonly after?: string | undefined;
}

/** A page of items in OpenAI's list form. */
export function itemPage(items: readonly object[], { limit, order, after }: PageRequest) {
  const ordered = order === "asc" ? items : items.toReversed();
  const start = after === undefined ? 0 : ordered.findIndex((item) => idOf(item) === after) + 1;
  const data = ordered.slice(start, start + limit);
  return {
    object: "list" as const,
    data,
    first_id: idOf(data.at(0)),
    last_id: idOf(data.at(-1)),
    has_more: start + limit < ordered.length,
  };
}

function idOf(item: object | undefined): string | null {
  const id = (item as { id?: unknown } | undefined)?.id;
  return typeof id === "string" ? id : null;
}
