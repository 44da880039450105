/** Weight of the newest observation in the running averages. */
const SMOOTHING = 0.2;
/** A prompt always advances by this many tokens a step, however slow the machine. */
const MIN_PREFILL_TOKENS = 16;

/**
 * How many prompt tokens a step may take so that it stays under its target time, from the time that earlier steps
 * took. The target bounds the gap between tokens of the sequences that are decoding.
 */
export class StepBudget {
  readonly #targetMs: number;
  #msPerPrefillToken: number | undefined;
  /** Time of a step without prefill, per decoding sequence count being roughly flat: weights are read once a step. */
  #decodeStepMs: number | undefined;

  constructor(targetMs: number) {
    this.#targetMs = targetMs;
  }

  /** Learns from a finished step. */
  observe(prefillTokens: number, decodeTokens: number, ms: number): void {
    if (prefillTokens === 0) {
      this.#decodeStepMs = smooth(this.#decodeStepMs, ms);
    } else {
      const decodeMs = decodeTokens > 0 ? (this.#decodeStepMs ?? 0) : 0;
      this.#msPerPrefillToken = smooth(this.#msPerPrefillToken, Math.max(0, ms - decodeMs) / prefillTokens);
    }
  }

  /** Prompt tokens the next step may take, at most `capacity`. */
  prefillTokens(decodingSequences: number, capacity: number): number {
    // Nobody waits for a token: a full batch is the fastest way through the prompt.
    if (decodingSequences === 0 || this.#msPerPrefillToken === undefined) return capacity;
    const spareMs = this.#targetMs - (this.#decodeStepMs ?? 0);
    const affordable = Math.floor(spareMs / Math.max(this.#msPerPrefillToken, 1e-6));
    return Math.min(capacity, Math.max(MIN_PREFILL_TOKENS, affordable));
  }

  /** Time the planned step should take; the watchdog measures a silent engine against it. */
  expectedMs(prefillTokens: number): number {
    return (this.#decodeStepMs ?? 0) + prefillTokens * (this.#msPerPrefillToken ?? 0);
  }
}

function smooth(average: number | undefined, value: number): number {
  return average === undefined ? value : average + SMOOTHING * (value - average);
}
