import type { Queries } from "../../platform/store/database.ts";
import type { Webhooks } from "../../platform/webhooks/webhooks.ts";
import type { SessionEvent } from "./session/event.ts";

/** Tells of what a session is at, as OpenAI's webhooks do: which one, and what it waits for; all else is to be looked up. */
export async function noteEvent(
  webhooks: Webhooks,
  queries: Queries,
  id: string,
  event: SessionEvent,
): Promise<void> {
  if (event.type === "created")
    await webhooks.note(queries, "agent.session.created", { id, environment_type: "none" });
  if (event.type !== "status") return;
  const [first] = event.waiting;
  if (event.status !== "requires_action" || first === undefined)
    await webhooks.note(queries, `agent.session.${event.status}`, { id });
  else {
    const type = first.status === "client" ? "function_call" : "mcp_approval_request";
    await webhooks.note(queries, "agent.session.action_required", { id, required_action: { type } });
  }
}
