import type { Queries } from "../../../platform/store/database.ts";
import { type Item, itemList, itemParameters } from "../item-list.ts";

/** The SQL of conversations and their items. */

export interface ConversationRow {
  readonly id: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly createdAt: Date;
}

const columns = `conversation_id AS id, metadata, created_at AS "createdAt"`;

export async function insertConversation(
  queries: Queries,
  id: string,
  metadata: object,
): Promise<ConversationRow> {
  const [row] = await queries.query<ConversationRow>(
    `INSERT INTO conversations (conversation_id, metadata) VALUES ($1, $2::json) RETURNING ${columns}`,
    [id, JSON.stringify(metadata)],
  );
  if (row === undefined) throw new Error("an insert returned nothing");
  return row;
}

export async function findConversation(queries: Queries, id: string): Promise<ConversationRow | undefined> {
  const [row] = await queries.query<ConversationRow>(
    `SELECT ${columns} FROM conversations WHERE conversation_id = $1`,
    [id],
  );
  return row;
}

export async function updateMetadata(
  queries: Queries,
  id: string,
  metadata: object,
): Promise<ConversationRow | undefined> {
  const [row] = await queries.query<ConversationRow>(
    `UPDATE conversations SET metadata = $2::json WHERE conversation_id = $1 RETURNING ${columns}`,
    [id, JSON.stringify(metadata)],
  );
  return row;
}

/** @returns whether there was one */
export async function deleteConversation(queries: Queries, id: string): Promise<boolean> {
  const rows = await queries.query(
    "DELETE FROM conversations WHERE conversation_id = $1 RETURNING conversation_id",
    [id],
  );
  return rows.length > 0;
}

/** Adds items at the end, which have ids; those that are there already stay where they are. */
export async function appendItems(queries: Queries, id: string, items: readonly Item[]): Promise<void> {
  await queries.query(
    `INSERT INTO conversation_items (conversation_id, item_id, item)
     SELECT $1, item_id, item FROM ${itemList(2)} ORDER BY place ON CONFLICT DO NOTHING`,
    [id, ...itemParameters(items)],
  );
}

export async function allItems(queries: Queries, id: string): Promise<readonly object[]> {
  const rows = await queries.query<{ item: object }>(
    "SELECT item FROM conversation_items WHERE conversation_id = $1 ORDER BY position",
    [id],
  );
  return rows.map(({ item }) => item);
}

export async function findConversationItem(
  queries: Queries,
  id: string,
  itemId: string,
): Promise<object | undefined> {
  const [row] = await queries.query<{ item: object }>(
    "SELECT item FROM conversation_items WHERE conversation_id = $1 AND item_id = $2",
    [id, itemId],
  );
  return row?.item;
}

/** @returns whether there was one */
export async function deleteItem(queries: Queries, id: string, itemId: string): Promise<boolean> {
  const rows = await queries.query(
    "DELETE FROM conversation_items WHERE conversation_id = $1 AND item_id = $2 RETURNING item_id",
    [id, itemId],
  );
  return rows.length > 0;
}
