import {
  type GenerationParts,
  type StepPart,
  stepParts,
  type WaitPart,
} from "../inference/generation-parts.ts";

/**
 * The parts that a request's latency is divided into, from its first byte to its last. The names are those of the
 * answers' `account` and of the ledger; docs/instruments.md defines each.
 */
export type LatencyPart =
  /** First byte to the end of the body. */
  | "receive"
  /** Validation, template, tokenization, hand-over to the engine. */
  | "prepare"
  | `wait_${Exclude<WaitPart, "prepare">}`
  /** Between generations, or with none: retrieval, embeddings, metrics, another server's answer. */
  | "between"
  | `prefill_${StepPart}`
  | `decode_${StepPart}`
  /** Last token to the last byte handed to the connection, without waiting for the client. */
  | "deliver"
  /** Waiting for the client to read. */
  | "send";

/** All of them, in the order in which the ledger stores them: new ones go to the end. */
export const latencyPartNames: readonly LatencyPart[] = [
  "receive",
  "prepare",
  "wait_step",
  "wait_sequence",
  "wait_prefix",
  "wait_lane",
  "between",
  "deliver",
  "send",
  ...stepParts.map((part) => `prefill_${part}` as const),
  ...stepParts.map((part) => `decode_${part}` as const),
];

/** Milliseconds by part; parts that took nothing are absent. */
export type LatencyParts = Partial<Record<LatencyPart, number>>;

/** A stretch of a request's time in which one generation was the one waited for. Times are of `monotonicMs`. */
export interface GenerationSpan {
  readonly arrivedAt: number;
  readonly endedAt: number;
  /** Absent where nothing was computed. */
  readonly parts: GenerationParts | undefined;
}

export interface RequestSpan {
  readonly arrivedAt: number;
  /** The body was read. */
  readonly receivedAt: number;
  readonly endedAt: number;
  /** After the last token, waiting for the client. */
  readonly sendMs: number;
  /** One after another; what lies between them was spent elsewhere. */
  readonly generations: readonly GenerationSpan[];
}

/** The parts of a request's time; they add up to `endedAt - arrivedAt`. */
export function latencyParts(request: RequestSpan): LatencyParts {
  const parts = new Parts();
  const { arrivedAt, endedAt, generations } = request;
  const receivedAt = Math.min(Math.max(request.receivedAt, arrivedAt), endedAt);
  parts.add("receive", receivedAt - arrivedAt);
  let until = receivedAt;
  for (const generation of generations) {
    const begin = Math.max(generation.arrivedAt, until);
    parts.add("between", begin - until);
    // What its own account has before `until` is in the parts above: reading the body, an earlier generation's last moments.
    parts.addGeneration(generation, begin - generation.arrivedAt);
    until = Math.max(generation.endedAt, begin);
  }
  const rest = Math.max(0, endedAt - until);
  const sendMs = Math.min(request.sendMs, rest);
  parts.add("send", sendMs);
  parts.add(generations.length === 0 ? "between" : "deliver", rest - sendMs);
  return parts.values;
}

class Parts {
  readonly values: LatencyParts = {};

  add(part: LatencyPart, ms: number): void {
    if (ms > 0) this.values[part] = (this.values[part] ?? 0) + ms;
  }

  addGeneration({ arrivedAt, endedAt, parts }: GenerationSpan, alreadyMs: number): void {
    if (parts === undefined) {
      this.add("prepare", endedAt - arrivedAt - alreadyMs);
      return;
    }
    const { prepare, ...waits } = parts.wait;
    this.add("prepare", prepare - alreadyMs);
    for (const [part, ms] of entries(waits)) this.add(`wait_${part}`, ms);
    for (const [part, ms] of entries(parts.prefill)) this.add(`prefill_${part}`, ms);
    for (const [part, ms] of entries(parts.decode)) this.add(`decode_${part}`, ms);
  }
}

function entries<K extends string>(record: Readonly<Record<K, number>>): Array<[K, number]> {
  return Object.entries(record) as Array<[K, number]>;
}
