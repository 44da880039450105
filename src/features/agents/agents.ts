import { ApiError } from "../../errors.ts";
import type { Store } from "../../platform/store/database.ts";
import type { Agent } from "./agent.ts";
import {
  type AgentRow,
  agentColumns,
  deleteAgent,
  findAgent,
  insertAgent,
  replaceAgent,
} from "./agent-table.ts";
import { type List, type ListRequest, listRows } from "./pages.ts";
import type { Metadata } from "./session/tables.ts";

/** Agents that are kept, for sessions to begin with. */
export class Agents {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async create(agent: Agent, metadata: Metadata): Promise<AgentRow> {
    return insertAgent(await this.#store.database(), agent, metadata);
  }

  /** @throws ApiError `not_found` */
  async get(id: string, param = "agent_id"): Promise<AgentRow> {
    return (await findAgent(await this.#store.database(), id)) ?? notFound(id, param);
  }

  async replace(agent: Agent, metadata: Metadata): Promise<AgentRow> {
    const row = await replaceAgent(await this.#store.database(), agent, metadata);
    return row ?? notFound(agent.id, "agent_id");
  }

  /** Sessions that it has begun go on. */
  async delete(id: string): Promise<void> {
    if (!(await deleteAgent(await this.#store.database(), id))) notFound(id, "agent_id");
  }

  async list(request: ListRequest): Promise<List<AgentRow>> {
    const listed = { table: "agents", id: "agent_id", columns: agentColumns };
    return listRows<AgentRow>(await this.#store.database(), listed, request);
  }
}

function notFound(id: string, param: string): never {
  throw new ApiError("not_found", `There is no agent ${JSON.stringify(id)}.`, { param });
}
