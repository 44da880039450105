/** What one step of the scheduler did, as the timeline shows it. Times are milliseconds. */
export interface StepRecord {
  /** On `monotonicMs`, which all processes share. */
  readonly startedAt: number;
  /** Admission, planning and filling the batch; then the decode call; then choosing tokens. */
  readonly planMs: number;
  readonly decodeMs: number;
  readonly sampleMs: number;
  /** What a decode of this shape should have taken by the model of earlier ones; 0 while nothing is known. */
  readonly expectedMs: number;
  /** Of `decodeMs`, what the compute thread that waited longest for a processor lost. */
  readonly processorWaitMs: number;
  /** Times that all weights were read. */
  readonly passes: number;
  /** Rows of decoding sequences, drafts included, and prompt tokens. */
  readonly decodeRows: number;
  readonly prefillTokens: number;
  /** Tokens whose keys and values the rows read, summed over the rows. */
  readonly kvTokens: number;
  /** Requests in a sequence and waiting for one, as the step began to compute. */
  readonly running: number;
  readonly waiting: number;
  readonly sequences: readonly SequenceShare[];
}

/** What one sequence had in a step. */
export interface SequenceShare {
  /** The generation's number in its engine. */
  readonly generation: number;
  readonly kvSequence: number;
  readonly prefillTokens: number;
  readonly decodeRows: number;
}
