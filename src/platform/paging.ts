import { InvalidRequestError } from "../errors.ts";

/** A page of a list that is ordered by a number that never changes: additions don't shift it. */
export interface Page<Item> {
  readonly items: readonly Item[];
  /** Hand it back for what comes after; null at the end. */
  readonly nextCursor: string | null;
}

/** Makes a page of up to `limit` out of rows of which one more was asked for. */
export function toPage<Item>(
  rows: readonly Item[],
  limit: number,
  positionOf: (item: Item) => number,
): Page<Item> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  const nextCursor = rows.length > limit && last !== undefined ? encodeCursor(positionOf(last)) : null;
  return { items, nextCursor };
}

/** Opaque to clients: its content may change. */
function encodeCursor(position: number): string {
  return Buffer.from(`after:${position}`).toString("base64url");
}

/**
 * The position that a page starts after.
 * @throws InvalidRequestError for a cursor that no page gave
 */
export function decodeCursor(cursor: string): number {
  const match = /^after:(\d{1,15})$/.exec(Buffer.from(cursor, "base64url").toString());
  if (match === null || encodeCursor(Number(match[1])) !== cursor)
    throw new InvalidRequestError("cursor must be the next_cursor of an earlier page", { param: "cursor" });
  return Number(match[1]);
}
