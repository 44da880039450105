import type { GenerationContext } from "../inference/engine.ts";
import type { RequestAccount } from "./request-account.ts";

/** One request on its way through the server: made where it arrives, handed down to whatever works for it. */
export interface RequestContext extends GenerationContext {
  readonly requestId: string;
  readonly arrivedAt: number;
  /** Aborts when the client goes away before its answer is whole; with an ApiError as the reason, when an operator cancels it. */
  readonly signal: AbortSignal;
  readonly account: RequestAccount;
}
