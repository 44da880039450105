import type { PlannedTurn } from "../../../assistant/assistant.ts";
import type { Turn } from "../../../assistant/turn.ts";
import type { AskedCall } from "./approvals.ts";
import type { Begun, responseHead } from "./head.ts";
import type { HostedTools } from "./hosted-tools.ts";
import type { Tools } from "./tools.ts";

/** A request that was found to be right, and what it needs to be answered. */
export interface PreparedResponse {
  readonly head: ReturnType<typeof responseHead>;
  readonly input: readonly object[];
  readonly previousId: string | undefined;
  readonly conversationId: string | undefined;
  readonly turn: Turn;
  readonly tools: Tools;
  readonly plan: PlannedTurn;
  readonly begun: Begun;
  readonly hosted: HostedTools;
  /** Calls that a person has approved, to be run first. */
  readonly approved: readonly AskedCall[];
  /** What servers have, where the client was not told of it yet. */
  readonly lists: readonly object[];
}
