import type { TokenUse } from "./token-use.ts";

/** What a step of a turn was and cost. Times are milliseconds; moments since 1970. */
export type Step = {
  readonly id: string;
  readonly turnId: string;
  /** The answer of the turn that it is, or that the call is of; from 1. */
  readonly step: number;
  readonly endedAt: number;
} & (
  | {
      readonly type: "model";
      readonly usage: TokenUse;
      readonly queueMs: number;
      readonly prefillMs: number;
      readonly decodeMs: number;
      /** All of it: what is beyond the three went to this server's own work. */
      readonly ms: number;
    }
  | {
      readonly type: "tool";
      readonly callId: string;
      readonly tool: string;
      readonly attempts: number;
      readonly isError: boolean;
      /** While the tool ran. */
      readonly ms: number;
    }
);
