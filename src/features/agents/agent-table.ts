import type { Queries } from "../../platform/store/database.ts";
import type { Agent } from "./agent.ts";
import type { Metadata } from "./session/tables.ts";

/** The SQL of agents that are kept. */

export interface AgentRow {
  readonly agent: Agent;
  readonly metadata: Metadata;
  readonly position: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export const agentColumns = `agent, metadata, position, created_at AS "createdAt", updated_at AS "updatedAt"`;

export async function insertAgent(queries: Queries, agent: Agent, metadata: Metadata): Promise<AgentRow> {
  const [row] = await queries.query<AgentRow>(
    `INSERT INTO agents (agent_id, agent, metadata) VALUES ($1, $2::json, $3::jsonb) RETURNING ${agentColumns}`,
    [agent.id, JSON.stringify(agent), JSON.stringify(metadata)],
  );
  if (row === undefined) throw new Error("an insert returned nothing");
  return row;
}

export async function findAgent(queries: Queries, id: string): Promise<AgentRow | undefined> {
  const [row] = await queries.query<AgentRow>(`SELECT ${agentColumns} FROM agents WHERE agent_id = $1`, [id]);
  return row;
}

export async function replaceAgent(
  queries: Queries,
  agent: Agent,
  metadata: Metadata,
): Promise<AgentRow | undefined> {
  const [row] = await queries.query<AgentRow>(
    `UPDATE agents SET agent = $2::json, metadata = $3::jsonb, updated_at = now()
     WHERE agent_id = $1 RETURNING ${agentColumns}`,
    [agent.id, JSON.stringify(agent), JSON.stringify(metadata)],
  );
  return row;
}

/** @returns whether there was one */
export async function deleteAgent(queries: Queries, id: string): Promise<boolean> {
  const rows = await queries.query("DELETE FROM agents WHERE agent_id = $1 RETURNING agent_id", [id]);
  return rows.length > 0;
}
