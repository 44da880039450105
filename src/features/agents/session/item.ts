export type ItemStatus = "in_progress" | "completed" | "failed" | "incomplete";

interface Base {
  readonly id: string;
  readonly turnId: string;
  /** The step of the turn that it belongs to; 0 for what comes before the first. */
  readonly step: number;
  readonly status: ItemStatus;
}

/** One thing that was said or done in a session. */
export type Item =
  | (Base & {
      readonly type: "message";
      readonly role: "user" | "assistant";
      readonly text: string;
      /** `commentary`: said on the way to an answer. */
      readonly phase: "commentary" | "final_answer" | null;
    })
  | (Base & { readonly type: "reasoning"; readonly text: string })
  | (Base & CallFields & { readonly type: "function_call" })
  | (Base & Outcome & { readonly type: "function_call_output"; readonly callId: string })
  /** A call that this server ran, with what came of it. */
  | (Base & CallFields & Outcome & { readonly type: "mcp_call"; readonly label: string });

interface CallFields {
  readonly callId: string;
  readonly name: string;
  /** JSON text. */
  readonly arguments: string;
}

/** What came of a call, in the words that the model is given; either is null. */
export interface Outcome {
  readonly output: string | null;
  readonly error: string | null;
}
