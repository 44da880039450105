import { randomBytes } from "node:crypto";
import type { LedgerRow } from "../ledger/row.ts";
import type { TraceContext } from "./trace-context.ts";

/**
 * A request's row as spans of OpenTelemetry's protocol in JSON (opentelemetry-proto 1.x, `trace/v1`). Names are those of
 * the semantic conventions for HTTP (1.37) and for generative AI (in development); where these have none for a server's
 * phases, vLLM's, which tools read.
 */
export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  /** SPAN_KIND_INTERNAL, SPAN_KIND_SERVER. */
  readonly kind: 1 | 2;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly Attribute[];
  /** STATUS_CODE_ERROR for what is this server's fault. */
  readonly status: { readonly code?: 2; readonly message?: string };
}

interface Attribute {
  readonly key: string;
  readonly value: object;
}

/** One span of the server's for the request, and in it one for each phase that took time. */
export function spansOf(row: LedgerRow, parent: TraceContext | undefined): Span[] {
  const traceId = parent?.traceId ?? randomBytes(16).toString("hex");
  const server: Span = {
    traceId,
    spanId: newSpanId(),
    ...(parent !== undefined && { parentSpanId: parent.parentSpanId }),
    name: `POST ${row.route}`,
    kind: 2,
    ...interval(row.at, row.latencyMs),
    attributes: attributesOf(requestFacts(row)),
    status: row.status >= 500 ? { code: 2, message: row.error ?? "" } : {},
  };
  const phases = phasesOf(row).map(
    ({ name, beginMs, ms }): Span => ({
      traceId,
      spanId: newSpanId(),
      parentSpanId: server.spanId,
      name,
      kind: 1,
      ...interval(row.at + beginMs, ms),
      attributes: [],
      status: {},
    }),
  );
  return [server, ...phases];
}

/** Phases one after another; what came before the generation, such as retrieval, is before them. */
function phasesOf({ parts, queueMs, prefillMs, decodeMs }: LedgerRow) {
  let beginMs = parts.between ?? 0;
  const lengths = { queue: queueMs, prefill: prefillMs, decode: decodeMs, send: parts.send ?? 0 };
  return Object.entries(lengths).flatMap(([name, ms]) => {
    const phase = { name, beginMs, ms };
    beginMs += ms;
    return ms > 0 ? [phase] : [];
  });
}

type Fact = string | number | boolean | readonly string[] | null | undefined;

function requestFacts(row: LedgerRow): Readonly<Record<string, Fact>> {
  const generated = row.generations > 0;
  const seconds = (ms: number | null) => (ms === null || !generated ? undefined : ms / 1000);
  return {
    "http.request.method": "POST",
    "http.route": row.route,
    "http.response.status_code": row.status,
    "error.type": row.error,
    "gen_ai.operation.name": generated ? operationOf(row.route) : undefined,
    "gen_ai.provider.name": generated ? "llm_server" : undefined,
    "gen_ai.request.model": row.model,
    "gen_ai.response.finish_reasons": row.finishReason === null ? undefined : [row.finishReason],
    // The convention counts cached tokens in.
    "gen_ai.usage.input_tokens": generated ? row.promptTokens : undefined,
    "gen_ai.usage.output_tokens": generated ? row.completionTokens : undefined,
    "gen_ai.usage.cache_read.input_tokens": generated ? row.cachedPromptTokens : undefined,
    "gen_ai.usage.reasoning.output_tokens": generated ? row.reasoningTokens : undefined,
    "gen_ai.latency.time_in_queue": seconds(row.queueMs),
    "gen_ai.latency.time_in_model_prefill": seconds(row.prefillMs),
    "gen_ai.latency.time_in_model_decode": seconds(row.decodeMs),
    "gen_ai.latency.time_to_first_token": seconds(row.timeToFirstTokenMs),
    "gen_ai.latency.e2e": seconds(row.latencyMs),
    "llm_server.request_id": row.requestId,
    "llm_server.ledger_id": row.id,
    "llm_server.key": row.key,
    "llm_server.stream": row.stream,
    "llm_server.cached": generated ? row.cached : undefined,
    "llm_server.limiter": row.limiter,
    "llm_server.limiter_share": row.limiterShare,
    "llm_server.unavailable_reason": row.reason,
  };
}

function operationOf(route: string): string {
  return route === "/v1/completions" || route === "/api/generate" ? "text_completion" : "chat";
}

function attributesOf(facts: Readonly<Record<string, Fact>>): Attribute[] {
  return Object.entries(facts).flatMap(([key, fact]) =>
    fact === null || fact === undefined ? [] : [{ key, value: anyValue(fact) }],
  );
}

function anyValue(fact: NonNullable<Fact>): object {
  if (typeof fact === "string") return { stringValue: fact };
  if (typeof fact === "boolean") return { boolValue: fact };
  if (typeof fact === "number")
    return Number.isInteger(fact) ? { intValue: String(fact) } : { doubleValue: fact };
  return { arrayValue: { values: fact.map((value) => ({ stringValue: value })) } };
}

function interval(beginMs: number, ms: number) {
  return { startTimeUnixNano: nanoseconds(beginMs), endTimeUnixNano: nanoseconds(beginMs + ms) };
}

/** As text, since they are more than a JavaScript number holds. */
function nanoseconds(ms: number): string {
  const whole = Math.floor(ms);
  return String(BigInt(whole) * 1_000_000n + BigInt(Math.round((ms - whole) * 1e6)));
}

function newSpanId(): string {
  return randomBytes(8).toString("hex");
}
