/**
 * The parts that a generation's time is divided into. Each millisecond from arrival to the last token belongs to
 * exactly one of them. The names are those of the answers' `account` too.
 */

/** Before a generation has a KV sequence. */
export type WaitPart =
  /** Arrival to the scheduler's queue: reading the request, template, tokenization, hand-over. */
  | "prepare"
  /** For the end of the step that was running. */
  | "step"
  /** For a sequence: all were in use. */
  | "sequence"
  /** For a prefix that another request was computing, to take it over. */
  | "prefix"
  /** Batch work only: for its share of the sequences. */
  | "lane";

/**
 * While it has a KV sequence. "Own" and "others" say whom a part of a shared step was for. The ledger stores parts by
 * their place here.
 */
export const stepParts = [
  /** Steps in which its prompt got no token, or one. */
  "turn",
  /** One pass over the model's weights, which every step needs, whichever requests are in it. */
  "weights",
  "own_prefill",
  "others_prefill",
  "own_rows",
  "others_rows",
  /** Reading the keys and values of earlier tokens. */
  "own_kv",
  "others_kv",
  /** Choosing tokens, grammars included. */
  "own_sampling",
  "others_sampling",
  /** Compute threads that were ready to run and waited for a processor that something else used. */
  "processor",
  /** What a step took beyond that and beyond what the model of its cost expects. */
  "unexplained",
  /** Planning, bookkeeping and pauses between steps. */
  "overhead",
] as const;
export type StepPart = (typeof stepParts)[number];

/** Milliseconds. */
export interface GenerationParts {
  readonly wait: Readonly<Record<WaitPart, number>>;
  /** From the sequence to the first token. */
  readonly prefill: Readonly<Record<StepPart, number>>;
  /** From the first token to the last. */
  readonly decode: Readonly<Record<StepPart, number>>;
}
