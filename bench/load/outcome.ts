/** What became of one request. Times in milliseconds. */
export interface Outcome {
  /** On the clock of `performance.now()`. */
  readonly startedAtMs: number;
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  /** Undefined when the generation ran to its end. Else the error's reason or code, or the socket's. */
  readonly failure: string | undefined;
  /** Request sent to the last byte of the answer. */
  readonly latencyMs: number;
  /**
   * When pieces of text arrived, counted from the start. Pieces that arrive together count as one: this is what a
   * reader sees, so a server can't shorten its gaps by sending several tokens at once.
   */
  readonly arrivalsMs: readonly number[];
  readonly usage: Usage | undefined;
  /** The answer, where it was wanted. */
  readonly text?: string | undefined;
  /** Seconds of the header `Retry-After`, when there was one. */
  readonly retryAfterSeconds: number | undefined;
}

/** By the server's own count. */
export interface Usage {
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly cachedPromptTokens: number;
  /** Tokens proposed and accepted by speculation, where the server tells. */
  readonly draftedTokens: number;
  readonly acceptedTokens: number;
}

export function isComplete(outcome: Outcome): boolean {
  return outcome.failure === undefined;
}

/** Refused by admission control: the honest answer to too much load. */
export function isRejection(outcome: Outcome): boolean {
  return outcome.status === 503 || outcome.status === 429;
}

export function firstTokenMs(outcome: Outcome): number | undefined {
  return outcome.arrivalsMs[0];
}

/** The waits between pieces that a reader of the stream sees. */
export function gapsMs(outcome: Outcome): readonly number[] {
  return outcome.arrivalsMs.slice(1).map((at, index) => at - (outcome.arrivalsMs[index] ?? at));
}

/** Mean time per token after the first, by the server's count of tokens; undefined below two tokens. */
export function perTokenMs(outcome: Outcome): number | undefined {
  const first = outcome.arrivalsMs[0];
  const last = outcome.arrivalsMs.at(-1);
  const tokens = outcome.usage?.completionTokens ?? 0;
  if (first === undefined || last === undefined || tokens < 2) return undefined;
  return (last - first) / (tokens - 1);
}
