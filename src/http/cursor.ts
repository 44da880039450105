import { InvalidRequestError } from "../errors.ts";

/** Where a page ended, as clients are given it: opaque, so that nobody counts on what is in it. */
function toCursor(key: string): string {
  return Buffer.from(key, "utf8").toString("base64url");
}

/**
 * The cursor of the page after `found`, of which the first `limit` rows are shown; null when those are all. A page is
 * asked for with one row more than it shows.
 */
export function nextCursor<T>(found: readonly T[], limit: number, keyOf: (row: T) => string): string | null {
  const last = found[limit - 1];
  return found.length > limit && last !== undefined ? toCursor(keyOf(last)) : null;
}

/** The key that a cursor stands for; undefined for the first page. @throws InvalidRequestError for one that was made up */
export function readCursor(cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined;
  const key = Buffer.from(cursor, "base64url").toString("utf8");
  if (key === "" || toCursor(key) !== cursor) throw wrongCursor();
  return key;
}

/** As `readCursor`, for pages that are ordered by a position from 0; -1 for the first page. */
export function readPosition(cursor: string | undefined): number {
  const key = readCursor(cursor);
  if (key === undefined) return -1;
  if (!/^\d{1,9}$/.test(key)) throw wrongCursor();
  return Number(key);
}

function wrongCursor(): InvalidRequestError {
  return new InvalidRequestError("cursor must be the next_cursor of an earlier page", { param: "cursor" });
}
