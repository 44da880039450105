/** What a generation does one after another, and how long each takes. */
export interface Phase {
  readonly name: "queue" | "prefill" | "decode";
  readonly ms: number;
}

type PhaseTimes = Readonly<Record<"queue_ms" | "prefill_ms" | "decode_ms", number>>;

/** In the order in which they happen; they add up to the server's time. */
export function phasesOf({ queue_ms, prefill_ms, decode_ms }: PhaseTimes): readonly Phase[] {
  return [
    { name: "queue", ms: queue_ms },
    { name: "prefill", ms: prefill_ms },
    { name: "decode", ms: decode_ms },
  ];
}
