import type { Queries } from "../../../platform/store/database.ts";
import type { ChatCompletion, RequestMessage } from "./schema.ts";

/** The SQL of chat completions that are stored. */

export type Metadata = Readonly<Record<string, string>>;

export interface StoredCompletion {
  readonly completion: ChatCompletion;
  readonly metadata: Metadata;
}

export async function insertCompletion(
  queries: Queries,
  { completion, metadata }: StoredCompletion,
  messages: readonly RequestMessage[],
): Promise<void> {
  await queries.query(
    `INSERT INTO chat_completions (completion_id, model, metadata, completion, messages)
     VALUES ($1, $2, $3::jsonb, $4::json, $5::json)`,
    [
      completion.id,
      completion.model,
      JSON.stringify(metadata),
      JSON.stringify(completion),
      JSON.stringify(messages),
    ],
  );
}

export async function findCompletion(queries: Queries, id: string): Promise<StoredCompletion | undefined> {
  const [row] = await queries.query<StoredCompletion>(
    "SELECT completion, metadata FROM chat_completions WHERE completion_id = $1",
    [id],
  );
  return row;
}

export async function findMessages(
  queries: Queries,
  id: string,
): Promise<readonly RequestMessage[] | undefined> {
  const [row] = await queries.query<{ messages: readonly RequestMessage[] }>(
    "SELECT messages FROM chat_completions WHERE completion_id = $1",
    [id],
  );
  return row?.messages;
}

export interface CompletionFilter {
  readonly model?: string | undefined;
  /** Pairs that a completion's metadata must have. */
  readonly metadata: Metadata;
  readonly order: "asc" | "desc";
  /** Id of the completion before the page. */
  readonly after?: string | undefined;
}

export async function listCompletions(
  queries: Queries,
  { model, metadata, order, after }: CompletionFilter,
  limit: number,
): Promise<StoredCompletion[]> {
  const isBehind = order === "asc" ? ">" : "<";
  return queries.query<StoredCompletion>(
    `SELECT completion, metadata FROM chat_completions
     WHERE ($1::text IS NULL OR model = $1) AND metadata @> $2::jsonb
       AND ($3::text IS NULL OR position ${isBehind} (SELECT position FROM chat_completions WHERE completion_id = $3))
     ORDER BY position ${order} LIMIT $4`,
    [model ?? null, JSON.stringify(metadata), after ?? null, limit],
  );
}

export async function updateCompletion(
  queries: Queries,
  id: string,
  metadata: Metadata,
): Promise<StoredCompletion | undefined> {
  const [row] = await queries.query<StoredCompletion>(
    "UPDATE chat_completions SET metadata = $2::jsonb WHERE completion_id = $1 RETURNING completion, metadata",
    [id, JSON.stringify(metadata)],
  );
  return row;
}

/** @returns whether there was one */
export async function deleteCompletion(queries: Queries, id: string): Promise<boolean> {
  const rows = await queries.query(
    "DELETE FROM chat_completions WHERE completion_id = $1 RETURNING completion_id",
    [id],
  );
  return rows.length > 0;
}

export async function deleteOlder(queries: Queries, days: number): Promise<void> {
  await queries.query("DELETE FROM chat_completions WHERE created_at < now() - make_interval(days => $1)", [
    days,
  ]);
}
