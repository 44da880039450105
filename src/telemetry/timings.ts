import { type Static, Type } from "typebox";
import { type Completion, totalMs } from "../inference/completion.ts";

export const Timings = Type.Object({
  queue_ms: Type.Number({ description: "Arrival to the first prefill step." }),
  prefill_ms: Type.Number({ description: "First prefill step to first token." }),
  decode_ms: Type.Number({ description: "First token to last token." }),
  time_to_first_token_ms: Type.Number({ description: "Arrival to first token." }),
  prefill_tokens_per_second: Type.Number({
    description: "Prompt tokens computed (not cached) per second of prefill.",
  }),
  decode_tokens_per_second: Type.Number({
    description: "Tokens per second of decode, the first one not counted.",
  }),
});
export type Timings = Static<typeof Timings>;

/** What the times of a generation are computed from. */
type Accounted = Pick<Completion, "usage" | "timings">;

/** The parts of the latency. The time to first token is that of the last pass, whose text is the answer. */
export function timings(passes: readonly Accounted[]): Timings {
  const sum = (of: (pass: Accounted) => number) => passes.reduce((total, pass) => total + of(pass), 0);
  const prefillMs = sum((pass) => pass.timings.prefillMs);
  const decodeMs = sum((pass) => pass.timings.decodeMs);
  const computed = sum((pass) => pass.usage.promptTokens - pass.usage.cachedPromptTokens);
  const decoded = sum((pass) => Math.max(0, pass.usage.completionTokens - 1));
  const afterFirstToken = passes.at(-1)?.timings.decodeMs ?? 0;
  return {
    queue_ms: round(
      sum((pass) => pass.timings.queueMs),
      1,
    ),
    prefill_ms: round(prefillMs, 1),
    decode_ms: round(decodeMs, 1),
    time_to_first_token_ms: round(sum((pass) => totalMs(pass.timings)) - afterFirstToken, 1),
    prefill_tokens_per_second: perSecond(computed, prefillMs),
    decode_tokens_per_second: perSecond(decoded, decodeMs),
  };
}

function perSecond(count: number, ms: number): number {
  return ms > 0 ? Math.round((count * 1000) / ms) : 0;
}

/** To that many decimals. */
export function round(value: number, decimals: number): number {
  return Number(value.toFixed(decimals));
}
