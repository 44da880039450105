import type { ChatCompletionChunk } from "../../../src/dialects/openai/chat/schema.ts";
import { phasesOf } from "../ui/phases.ts";
import type { Parameters } from "./parameters.ts";

type Timings = NonNullable<ChatCompletionChunk["timings"]>;
type Usage = NonNullable<ChatCompletionChunk["usage"]>;

/** What an answer cost, as the server counted it, and what this browser's clock saw of it. */
export interface Account {
  readonly requestId: string;
  readonly model: string;
  readonly fingerprint: string;
  readonly finishReason: string | null;
  /** Null where the answer was stopped before the server could tell, as the next two. */
  readonly timings: Timings | null;
  readonly usage: Usage | null;
  /** Each millisecond by what it went to, and what bounded the answer. */
  readonly latency: ChatCompletionChunk["account"] | null;
  readonly isFromCache: boolean;
  /** Tokens of prompt and answer together that the model takes. */
  readonly contextWindow: number | null;
  readonly asked: Parameters;
  /** From the click to the last byte, in this browser. */
  readonly browserMs: number;
  /** From the click to the first piece of text; null when none came. */
  readonly browserFirstTextMs: number | null;
}

export function totalMs(timings: Timings): number {
  return phasesOf(timings).reduce((sum, { ms }) => sum + ms, 0);
}
