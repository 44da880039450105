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

/** What a session has that says nothing of it. */
export const defaultApproval: ApprovalPolicy = {
  default: "ask_unless_read_only",
  tools: {},
  isUnattended: false,
};

/** Whether a call of this tool waits for a person: by the session's rule for it, its server's, or the session's default. */
export function needsApproval(
  policy: ApprovalPolicy,
  tool: string,
  { effect, approval }: { readonly effect: Effect; readonly approval?: ApprovalRule | undefined },
): boolean {
  const own = Object.hasOwn(policy.tools, tool) ? policy.tools[tool] : undefined;
  const rule = own ?? approval ?? policy.default;
  return rule === "always" || (rule === "ask_unless_read_only" && effect !== "read");
}
