import { type Static, Type } from "typebox";
import { wallMs } from "../../platform/clock.ts";
import { round } from "../timings.ts";
import type { KeptStep } from "./step-ring.ts";

const Ms = (description: string) => Type.Number({ description });

export const TimelineStep = Type.Object({
  index: Type.Integer({ description: "Counts from the server's start." }),
  at_ms: Type.Number({ description: "Where it began, in milliseconds since 1970." }),
  model: Type.String(),
  plan_ms: Ms("Admission, planning, filling the batch."),
  decode_ms: Ms("The pass over the model."),
  sample_ms: Ms("Choosing tokens."),
  expected_ms: Ms(
    "What such a pass should have taken, by the model of earlier steps; 0 while nothing is known.",
  ),
  processor_wait_ms: Ms("Of `decode_ms`, what the thread that waited longest for a processor lost."),
  passes: Type.Integer({ description: "Times that all weights were read." }),
  decode_rows: Type.Integer({ description: "Rows of answers, drafts included." }),
  prefill_tokens: Type.Integer({ description: "Prompt tokens computed." }),
  kv_tokens: Type.Integer({ description: "Tokens whose keys and values were read, summed over the rows." }),
  running: Type.Integer(),
  waiting: Type.Integer(),
  threads: Type.Integer(),
  sequences: Type.Array(
    Type.Object({
      request_id: Type.Union([Type.String(), Type.Null()], {
        description: "Null for work of the server's own, and where the client had left.",
      }),
      kv_sequence: Type.Integer(),
      prefill_tokens: Type.Integer(),
      decode_rows: Type.Integer(),
    }),
    { description: "Who had what in it." },
  ),
});
export type TimelineStep = Static<typeof TimelineStep>;

export const Neighbour = Type.Object({
  request_id: Type.String(),
  shared_steps: Type.Integer(),
  shared_ms: Ms("Time of the steps that both were in."),
  prefill_tokens: Type.Integer({
    description: "Prompt tokens of the neighbour's that these steps computed.",
  }),
  decode_rows: Type.Integer(),
});
export type Neighbour = Static<typeof Neighbour>;

export function describeStep(step: KeptStep): TimelineStep {
  return {
    index: step.index,
    at_ms: round(wallMs(step.startedAt), 3),
    model: step.model,
    plan_ms: round(step.planMs, 3),
    decode_ms: round(step.decodeMs, 3),
    sample_ms: round(step.sampleMs, 3),
    expected_ms: round(step.expectedMs, 3),
    processor_wait_ms: round(step.processorWaitMs, 3),
    passes: step.passes,
    decode_rows: step.decodeRows,
    prefill_tokens: step.prefillTokens,
    kv_tokens: step.kvTokens,
    running: step.running,
    waiting: step.waiting,
    threads: step.threads,
    sequences: step.sequences.map((share) => ({
      request_id: share.requestId ?? null,
      kv_sequence: share.kvSequence,
      prefill_tokens: share.prefillTokens,
      decode_rows: share.decodeRows,
    })),
  };
}

/** The steps that a request was in. */
export function stepsOf(steps: Iterable<KeptStep>, requestId: string): KeptStep[] {
  return [...steps].filter(({ sequences }) => sequences.some((share) => share.requestId === requestId));
}

/** Who else was in the steps of a request, those first that were there longest. */
export function neighboursOf(steps: readonly KeptStep[], requestId: string): Neighbour[] {
  const found = new Map<string, Neighbour>();
  for (const { planMs, decodeMs, sampleMs, sequences } of steps) {
    const others = Map.groupBy(sequences, (share) => share.requestId);
    for (const [other, shares] of others) {
      if (other === undefined || other === requestId) continue;
      const before = found.get(other);
      const sum = (of: "prefillTokens" | "decodeRows") =>
        shares.reduce((total, share) => total + share[of], 0);
      found.set(other, {
        request_id: other,
        shared_steps: (before?.shared_steps ?? 0) + 1,
        shared_ms: round((before?.shared_ms ?? 0) + planMs + decodeMs + sampleMs, 3),
        prefill_tokens: (before?.prefill_tokens ?? 0) + sum("prefillTokens"),
        decode_rows: (before?.decode_rows ?? 0) + sum("decodeRows"),
      });
    }
  }
  return [...found.values()].toSorted((a, b) => b.shared_ms - a.shared_ms);
}
