import { uuidV7 } from "../../platform/uuid.ts";
import { limitsOf } from "../answer-account.ts";
import type { RequestContext } from "../request-context.ts";
import type { LedgerRow } from "./row.ts";

/** What the edge knows of a request beside its account. */
export interface AnsweredRequest {
  readonly context: Pick<RequestContext, "requestId" | "arrivedAt" | "account">;
  readonly route: string;
  readonly stream: boolean;
  readonly status: number;
  /** On the clock of `context.arrivedAt`. */
  readonly endedAt: number;
  /** The same moment, in milliseconds since 1970. */
  readonly endedAtMs: number;
  /** Undefined where it is not measured. */
  readonly joules: number | undefined;
}

/** A request as the ledger keeps it. Times have microseconds: more digits are noise. */
export function requestRow({ context, route, stream, status, ...ended }: AnsweredRequest): LedgerRow {
  const { account, arrivedAt, requestId } = context;
  const latencyMs = ended.endedAt - arrivedAt;
  const at = Math.round(ended.endedAtMs - latencyMs);
  const { usage, timings, error, notes } = account;
  const limits = limitsOf(account, arrivedAt, ended.endedAt);
  const firstTokenMs = account.timeToFirstTokenMs(arrivedAt);
  const text = (note: unknown) => (typeof note === "string" ? note : null);
  return {
    id: uuidV7(at),
    requestId,
    at,
    route,
    stream,
    key: text(notes["key"]),
    model: text(notes["model"]),
    status,
    error: error?.code ?? null,
    reason: error?.reason ?? null,
    finishReason: account.finishReason ?? null,
    cached: account.isCached,
    generations: account.generations.length,
    promptTokens: usage?.promptTokens ?? 0,
    cachedPromptTokens: usage?.cachedPromptTokens ?? 0,
    completionTokens: usage?.completionTokens ?? 0,
    reasoningTokens: usage?.reasoningTokens ?? 0,
    draftedTokens: usage?.draftedTokens ?? 0,
    acceptedTokens: usage?.acceptedTokens ?? 0,
    latencyMs: micro(latencyMs),
    timeToFirstTokenMs: firstTokenMs === undefined ? null : micro(firstTokenMs),
    queueMs: micro(timings?.queueMs ?? 0),
    prefillMs: micro(timings?.prefillMs ?? 0),
    decodeMs: micro(timings?.decodeMs ?? 0),
    joules: ended.joules === undefined ? null : micro(ended.joules),
    limiter: limits?.verdict.class ?? null,
    limiterShare: limits === undefined ? null : micro(limits.verdict.share),
    parts: Object.fromEntries(Object.entries(limits?.parts ?? {}).map(([part, ms]) => [part, micro(ms)])),
  };
}

function micro(value: number): number {
  return Math.round(value * 1000) / 1000;
}
