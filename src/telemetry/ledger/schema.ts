import { type Static, Type } from "typebox";
import { AccountField, toAccount } from "../answer-account.ts";
import { round } from "../timings.ts";
import type { LedgerRow } from "./row.ts";

const OrNone = (description: string) => Type.Union([Type.String(), Type.Null()], { description });
const Ms = (description: string) => Type.Number({ description });

export const RecordedRequest = Type.Object({
  id: Type.String({ description: "The ledger's own; ids sort by time of arrival." }),
  request_id: Type.String({ description: "`x-request-id`, which clients may repeat." }),
  at: Type.String({ format: "date-time", description: "Arrival." }),
  route: Type.String(),
  stream: Type.Boolean(),
  key: OrNone("First eight hexadecimal digits of the key's SHA-256; null without a key."),
  model: OrNone("As the client named it."),
  status: Type.Integer({ description: "HTTP status; 499 where the client left." }),
  error: OrNone("Code of the error."),
  reason: OrNone("Of a 503."),
  finish_reason: OrNone("How the answer ended."),
  cached: Type.Boolean({ description: "An earlier answer; nothing was computed." }),
  generations: Type.Integer({ description: "Several for `n` answers, `refine` and several prompts." }),
  prompt_tokens: Type.Integer(),
  cached_prompt_tokens: Type.Integer({ description: "Of these, taken from the prefix cache." }),
  completion_tokens: Type.Integer(),
  reasoning_tokens: Type.Integer(),
  drafted_tokens: Type.Integer(),
  accepted_tokens: Type.Integer(),
  latency_ms: Ms("First byte in to the last byte handed to the connection."),
  time_to_first_token_ms: Type.Union([Type.Number(), Type.Null()]),
  queue_ms: Ms("Arrival to the first prefill step."),
  prefill_ms: Ms("First prefill step to first token."),
  decode_ms: Ms("First token to last token."),
  tokens_per_second: Type.Union([Type.Number(), Type.Null()], {
    description: "Of decode, the first token not counted.",
  }),
  joules: Type.Union([Type.Number(), Type.Null()], {
    description:
      "Energy of its steps, of the whole machine; null where it is not measured (`GET /v1/energy` says why).",
  }),
  limiter: OrNone("What most of the latency went to."),
  limiter_share: Type.Union([Type.Number(), Type.Null()], { description: "Its share, 0 to 1." }),
});
export type RecordedRequest = Static<typeof RecordedRequest>;

/** With where the time went, where anything was generated, and with the text, where that is kept. */
export const RequestDetail = Type.Object({
  ...RecordedRequest.properties,
  account: AccountField.account,
  content: Type.Optional(
    Type.Array(Type.Object({ prompt: Type.String(), answer: Type.Union([Type.String(), Type.Null()]) }), {
      description: "Of each generation, as the model read and wrote it; only where LEDGER_CONTENT keeps it.",
    }),
  ),
});
export type RequestDetail = Static<typeof RequestDetail>;

export function describeRequest(row: LedgerRow, extent: "listed" | "whole" = "listed"): RequestDetail {
  const afterFirst = row.completionTokens - row.generations;
  return {
    id: row.id,
    request_id: row.requestId,
    at: new Date(row.at).toISOString(),
    route: row.route,
    stream: row.stream,
    key: row.key,
    model: row.model,
    status: row.status,
    error: row.error,
    reason: row.reason,
    finish_reason: row.finishReason,
    cached: row.cached,
    generations: row.generations,
    prompt_tokens: row.promptTokens,
    cached_prompt_tokens: row.cachedPromptTokens,
    completion_tokens: row.completionTokens,
    reasoning_tokens: row.reasoningTokens,
    drafted_tokens: row.draftedTokens,
    accepted_tokens: row.acceptedTokens,
    latency_ms: round(row.latencyMs, 2),
    time_to_first_token_ms: row.timeToFirstTokenMs === null ? null : round(row.timeToFirstTokenMs, 2),
    queue_ms: round(row.queueMs, 2),
    prefill_ms: round(row.prefillMs, 2),
    decode_ms: round(row.decodeMs, 2),
    tokens_per_second:
      row.decodeMs > 0 && afterFirst > 0 ? round((afterFirst * 1000) / row.decodeMs, 2) : null,
    // Rows of versions that measured none lack it.
    joules: row.joules ?? null,
    limiter: row.limiter,
    limiter_share: row.limiterShare === null ? null : round(row.limiterShare, 4),
    ...(extent === "whole" && row.limiter !== null && { account: toAccount(row.parts, row, row.cached) }),
  };
}
