import type { FastifyReply, FastifyRequest } from "fastify";
import type { TurnOptions } from "../../assistant/turn.ts";
import { cachedField, type Pass, toTimings, toUsage } from "../../dialects/openai/accounting.ts";
import { disconnectSignal } from "../../http/event-stream.ts";

/** Options of a request's answers. What they used goes into the request's log line, streamed or not. */
export function turnOptions(request: FastifyRequest, reply: FastifyReply, model: string): TurnOptions {
  const { logFields, arrivedAt } = request;
  logFields["model"] = model;
  const byPrompt = new Map<number, Pass[]>();
  return {
    arrivedAt,
    signal: disconnectSignal(reply),
    onEnd: (end, prompt = 0) => {
      byPrompt.set(prompt, [...(byPrompt.get(prompt) ?? []), end]);
      const passes = [...byPrompt.values()];
      const usage = toUsage(passes);
      const { queue_ms, prefill_ms, decode_ms } = toTimings(passes.flat());
      Object.assign(logFields, {
        prompt_tokens: usage.prompt_tokens,
        cached_prompt_tokens: usage.prompt_tokens_details.cached_tokens,
        completion_tokens: usage.completion_tokens,
        finish_reason: end.finishReason,
        ...cachedField(passes.flat()),
        queue_ms,
        prefill_ms,
        decode_ms,
      });
    },
  };
}
