import { createHash } from "node:crypto";

/** What a call may change, which decides what becomes of it when it is interrupted. */
export type Effect =
  /** Nothing. */
  | "read"
  /** Something, but nothing more when it is run again with the same arguments. */
  | "idempotent"
  | "write";

export type ApprovalRule = "always" | "never" | "ask_unless_read_only";

/** Which calls wait for a person. */
export interface ApprovalPolicy {
  readonly default: ApprovalRule;
  /** By the name by which the model calls the tool. */
  readonly tools: Readonly<Record<string, ApprovalRule>>;
  /** There is no person to ask: what would wait for one is denied. */
  readonly isUnattended: boolean;
}

/** Whether a call of this tool waits for a person. */
export function needsApproval(policy: ApprovalPolicy, tool: string, effect: Effect): boolean {
  const rule = (Object.hasOwn(policy.tools, tool) ? policy.tools[tool] : undefined) ?? policy.default;
  return rule === "always" || (rule === "ask_unless_read_only" && effect !== "read");
}

/** SHA-256 of a value's JSON with the keys of objects in order. */
export function digestOf(value: unknown): string {
  const canonical = JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === "object" && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
  return createHash("sha256").update(canonical).digest("hex");
}
