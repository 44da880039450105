import type { Queries } from "../../platform/store/database.ts";

/** The SQL of pinned tools. */

export async function findPins(
  queries: Queries,
  server: string,
): Promise<ReadonlyArray<readonly [tool: string, digest: string]>> {
  const rows = await queries.query<{ tool: string; digest: string }>(
    "SELECT tool, digest FROM mcp_tool_pins WHERE server = $1",
    [server],
  );
  return rows.map(({ tool, digest }) => [tool, digest]);
}

/** Pins a tool that has no pin yet. */
export async function pin(queries: Queries, server: string, tool: string, digest: string): Promise<void> {
  await queries.query(
    "INSERT INTO mcp_tool_pins (server, tool, digest) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
    [server, tool, digest],
  );
}

export async function setPin(queries: Queries, server: string, tool: string, digest: string): Promise<void> {
  await queries.query(
    `INSERT INTO mcp_tool_pins (server, tool, digest) VALUES ($1, $2, $3)
     ON CONFLICT (server, tool) DO UPDATE SET digest = excluded.digest, pinned_at = now()`,
    [server, tool, digest],
  );
}
