import type { Usage } from "./outcome.ts";
import type { GenerationRequest } from "./workload.ts";

/** How one kind of server is asked for a streamed greedy generation, and how its stream reads. */
export interface Dialect {
  readonly path: string;
  body(request: GenerationRequest): string;
  /** Bytes that only events with a piece of text hold; looking for them is all the parsing done while streaming. */
  readonly tokenMarker: Buffer;
  /** The text of an event's JSON; empty for events that have none. */
  text(event: Readonly<Record<string, unknown>>): string;
  /** Reads the last event's JSON. Undefined when it is not the summary of a finished generation. */
  usage(last: Readonly<Record<string, unknown>>): Usage | undefined;
}

/** Our own `POST /chat`. */
export const chatDialect: Dialect = {
  path: "/chat",
  tokenMarker: Buffer.from('data: {"token":'),
  text: (event) => String(event["token"] ?? ""),
  body: ({ prompt, newTokens }) =>
    JSON.stringify({ prompt, max_new_tokens: newTokens, temperature: 0, raw: true, stream: true }),
  usage(last) {
    if (typeof last["completion_tokens"] !== "number") return undefined;
    return {
      promptTokens: count(last["prompt_tokens"]),
      completionTokens: last["completion_tokens"],
      cachedPromptTokens: count(last["cached_prompt_tokens"]),
      ...speculation(last["speculation"] ?? last),
    };
  },
};

/** `POST /v1/chat/completions` of either server; the model's chat template makes its prompts a little longer. */
export const openaiDialect: Dialect = {
  path: "/v1/chat/completions",
  tokenMarker: Buffer.from('"content":"'),
  text(event) {
    const [choice] = Array.isArray(event["choices"]) ? event["choices"] : [];
    const delta = isRecord(choice) ? choice["delta"] : undefined;
    return isRecord(delta) ? String(delta["content"] ?? "") : "";
  },
  body: ({ prompt, newTokens, schema }) =>
    JSON.stringify({
      model: "default",
      messages: [{ role: "user", content: prompt }],
      max_completion_tokens: newTokens,
      temperature: 0,
      stream: true,
      stream_options: { include_usage: true },
      ...(schema !== undefined && {
        response_format: { type: "json_schema", json_schema: { name: "answer", strict: true, schema } },
      }),
    }),
  usage(last) {
    const usage = last["usage"];
    if (!isRecord(usage)) return undefined;
    const details = usage["prompt_tokens_details"];
    return {
      promptTokens: count(usage["prompt_tokens"]),
      completionTokens: count(usage["completion_tokens"]),
      cachedPromptTokens: isRecord(details) ? count(details["cached_tokens"]) : 0,
      draftedTokens: 0,
      acceptedTokens: 0,
    };
  },
};

/** llama-server's own route, with its defaults but for what the benchmark fixes: greedy, and to full length where ours goes there too. */
export const completionDialect: Dialect = {
  path: "/completion",
  tokenMarker: Buffer.from('"stop":false'),
  text: (event) => String(event["content"] ?? ""),
  body: ({ prompt, newTokens, mayEnd }) =>
    JSON.stringify({ prompt, n_predict: newTokens, temperature: 0, ignore_eos: !mayEnd, stream: true }),
  usage(last) {
    if (last["stop"] !== true) return undefined;
    const timings = isRecord(last["timings"]) ? last["timings"] : {};
    return {
      promptTokens: count(last["tokens_evaluated"]),
      completionTokens: count(last["tokens_predicted"]),
      cachedPromptTokens: count(timings["cache_n"] ?? last["tokens_cached"]),
      draftedTokens: count(timings["draft_n"]),
      acceptedTokens: count(timings["draft_n_accepted"]),
    };
  },
};

/**
 * llama-server asked for nothing but the likeliest token. Its default chain runs top-k and others first even at
 * temperature 0; this shows what that costs it.
 */
export const leanCompletionDialect: Dialect = {
  ...completionDialect,
  body: ({ prompt, newTokens, mayEnd }) =>
    JSON.stringify({
      prompt,
      n_predict: newTokens,
      temperature: 0,
      samplers: ["temperature"],
      ignore_eos: !mayEnd,
      stream: true,
    }),
};

function speculation(from: unknown): Pick<Usage, "draftedTokens" | "acceptedTokens"> {
  const found = isRecord(from) ? from : {};
  return {
    draftedTokens: count(found["drafted"] ?? found["drafted_tokens"]),
    acceptedTokens: count(found["accepted"] ?? found["accepted_tokens"]),
  };
}

function count(value: unknown): number {
  return typeof value === "number" ? value : 0;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
