import type { TurnEnd } from "../../../assistant/turn.ts";
import { newId } from "../../../platform/ids.ts";
import { isSet } from "../../../platform/schema/nullable.ts";
import { totalOf } from "../../answers-total.ts";
import { unixSeconds } from "../../unix-seconds.ts";
import { toTimings, toUsage } from "../accounting.ts";
import type { ResponseBody } from "./schema.ts";

/** Which response is made, and what its followers were told already. */
export interface Begun {
  readonly id: string;
  readonly createdAt: number;
  readonly isInBackground: boolean;
  /** Number of the next event, and place of the next item: more than 0 where an earlier attempt was interrupted. */
  readonly nextNumber: number;
  readonly nextIndex: number;
}

/** A response that nothing was told of yet. */
export const begin = (isInBackground: boolean): Begun => ({
  id: newId("resp_"),
  createdAt: unixSeconds(),
  isInBackground,
  nextNumber: 0,
  nextIndex: 0,
});

/** What is known of a response before it is made: the request, with its defaults. */
export function responseHead(
  body: ResponseBody & { readonly model: string },
  { id, createdAt, isInBackground }: Begun,
) {
  return {
    id,
    object: "response",
    access_programs: null,
    created_at: createdAt,
    background: isInBackground,
    error: null,
    incomplete_details: null as { readonly reason: string } | null,
    instructions: body.instructions ?? null,
    max_output_tokens: body.max_output_tokens ?? null,
    max_tool_calls: body.max_tool_calls ?? null,
    metadata: body.metadata ?? {},
    model: body.model,
    parallel_tool_calls: body.parallel_tool_calls ?? true,
    previous_response_id: body.previous_response_id ?? null,
    reasoning: { effort: body.reasoning?.effort ?? null, summary: body.reasoning?.summary ?? null },
    service_tier: "default",
    store: body.store ?? true,
    temperature: body.temperature ?? 1,
    text: { format: body.text?.format ?? { type: "text" }, verbosity: "medium" },
    tool_choice: body.tool_choice ?? "auto",
    // The reference requires the field of every function.
    tools: (body.tools ?? []).map((tool) => (tool.type === "function" ? { strict: null, ...tool } : tool)),
    top_logprobs: body.top_logprobs ?? 0,
    top_p: body.top_p ?? 1,
    truncation: "disabled",
    ...(isSet(body.user) && { user: body.user }),
  };
}

/** All answers of the model that a response is made of, with the calls between them. */
export interface MadeAnswer {
  readonly items: readonly object[];
  readonly ends: readonly TurnEnd[];
}

/** What is known of it when it is made. */
export function responseEnd({ items, ends }: MadeAnswer) {
  const last = ends.at(-1);
  if (last === undefined) throw new Error("a response without an answer");
  const isCut = last.finishReason === "length";
  const usage = toUsage(ends.map((end) => [end]));
  const reasoningTokens = ends.reduce((total, { usage }) => total + usage.reasoningTokens, 0);
  return {
    status: isCut ? "incomplete" : "completed",
    incomplete_details: isCut ? { reason: "max_output_tokens" } : null,
    output: items,
    usage: {
      input_tokens: usage.prompt_tokens,
      input_tokens_details: {
        cached_tokens: usage.prompt_tokens_details.cached_tokens,
        cache_write_tokens: 0,
      },
      output_tokens: usage.completion_tokens,
      output_tokens_details: { reasoning_tokens: reasoningTokens },
      total_tokens: usage.total_tokens,
    },
    timings: toTimings([totalOf(ends)]),
  };
}
