import type { Webhooks } from "../../platform/webhooks/webhooks.ts";
import type { SessionEvent } from "./session/event.ts";
import type { Notice } from "./session/ledger.ts";

/** Tells of what a session is at, as OpenAI's webhooks do: which one, and what it waits for; all else is to be looked up. */
export function noticeOf(webhooks: Webhooks, id: string, event: SessionEvent): Notice | undefined {
  if (!webhooks.isOn) return undefined;
  if (event.type === "created")
    return (queries) => webhooks.note(queries, "agent.session.created", { id, environment_type: "none" });
  if (event.type !== "status") return undefined;
  const [first] = event.waiting;
  if (event.status !== "requires_action" || first === undefined)
    return (queries) => webhooks.note(queries, `agent.session.${event.status}`, { id });
  const type = first.status === "client" ? "function_call" : "mcp_approval_request";
  return (queries) =>
    webhooks.note(queries, "agent.session.action_required", { id, required_action: { type } });
}
