/** Weight that each decode observation keeps when the next one comes. */
const MEMORY = 0.97;
/** Share of a mixed step's error that is corrected at once. */
const CORRECTION = 0.5;
/** Prompt tokens of a step whose error is as likely the decode part's as the prompts'. */
const EVEN_TOKENS = 128;
/** Prompt tokens that make reading the weights for them worth while, and the stretch of the target to get so many. */
const EFFICIENT_TOKENS = 64;
const STRETCH = 2.5;
/** A prompt always advances by this many tokens per step, however slow the machine. */
const MIN_PREFILL_TOKENS = 16;

/**
 * What a step costs on this machine now, learned from the steps it ran. Decoding is modelled as passes × perPass + rows ×
 * perRow (each pass reads the weights once whatever its rows), by least squares that forget; prefill as a time per token. Steps
 * that do both correct the sum where it is off, which it is after few steps or after steps of very different sizes.
 */
export class StepCost {
  readonly #targetMs: number;
  #msPerPrefillToken: number | undefined;
  /** What decoding takes in a mixed step beyond `decodeMs`. */
  #mixedExtraMs = 0;
  /** Decayed sums over decode-only steps: p passes, x rows, y milliseconds. */
  #w = 0;
  #p = 0;
  #x = 0;
  #y = 0;
  #pp = 0;
  #px = 0;
  #xx = 0;
  #py = 0;
  #xy = 0;

  constructor(targetMs: number) {
    this.#targetMs = targetMs;
  }

  /** Learns from a finished step. */
  observe(prefillTokens: number, decodeRows: number, ms: number, passes = 1): void {
    if (prefillTokens > 0) {
      this.#observePrefill(prefillTokens, decodeRows, ms);
      return;
    }
    this.#w = this.#w * MEMORY + 1;
    this.#p = this.#p * MEMORY + passes;
    this.#x = this.#x * MEMORY + decodeRows;
    this.#y = this.#y * MEMORY + ms;
    this.#pp = this.#pp * MEMORY + passes * passes;
    this.#px = this.#px * MEMORY + passes * decodeRows;
    this.#xx = this.#xx * MEMORY + decodeRows * decodeRows;
    this.#py = this.#py * MEMORY + passes * ms;
    this.#xy = this.#xy * MEMORY + decodeRows * ms;
  }

  /** Divides the error between the decode part and the prompts, by how much of the step was prompts (Kaczmarz' step). */
  #observePrefill(prefillTokens: number, decodeRows: number, ms: number): void {
    const tokens = counted(prefillTokens, decodeRows);
    this.#msPerPrefillToken ??= Math.max(0, ms - this.decodeMs(decodeRows)) / tokens;
    const error = CORRECTION * (ms - this.expectedMs(decodeRows, prefillTokens));
    const weight = tokens / EVEN_TOKENS;
    const norm = weight * weight + (decodeRows > 0 ? 1 : 0);
    this.#msPerPrefillToken = Math.max(0, this.#msPerPrefillToken + (error * weight) / norm / EVEN_TOKENS);
    if (decodeRows > 0) this.#mixedExtraMs += error / norm;
  }

  /** Milliseconds that one more row adds to a decode step; undefined while steps of different sizes were not seen. */
  get msPerDecodeRow(): number | undefined {
    const determinant = this.#pp * this.#xx - this.#px * this.#px;
    if (this.#w === 0 || determinant < 1e-3 * this.#w * this.#w) return undefined;
    return Math.max(0, (this.#pp * this.#xy - this.#px * this.#py) / determinant);
  }

  /** Milliseconds that one more pass over the weights adds to a decode step; undefined while that can't be told. */
  get msPerPass(): number | undefined {
    const perRow = this.msPerDecodeRow;
    return perRow === undefined ? undefined : Math.max(0, (this.#y - perRow * this.#x) / this.#p);
  }

  /** Expected milliseconds of a decode-only step of `rows`; 0 while nothing was measured. */
  decodeMs(rows: number, passes = 1): number {
    if (this.#w === 0) return 0;
    const perRow = this.msPerDecodeRow;
    if (perRow === undefined) return this.#y / this.#w;
    return Math.max(
      0,
      this.#y / this.#w +
        perRow * (rows - this.#x / this.#w) +
        (this.msPerPass ?? 0) * (passes - this.#p / this.#w),
    );
  }

  /**
   * Prompt tokens that the next step may take and stay under its target, at most `capacity`. Where more
   * prompts wait for their first token than streams for their next one, the target is longer in that proportion: each
   * millisecond then saves more waiting than it causes.
   */
  prefillTokens(decodeRows: number, prompts: number, capacity: number): number {
    // No stream waits for a token: a full batch is the fastest way through the prompt.
    if (decodeRows === 0 || this.#msPerPrefillToken === undefined) return capacity;
    const targetMs = this.#targetMs * Math.max(1, prompts / decodeRows);
    const affordable = this.#affordable(targetMs, decodeRows);
    // Few tokens cost nearly as much as some more. So where the decode rows alone take most of the target, as on a slow
    // machine, a step is longer rather than prompts wait: this is what bounds the gaps of streams there.
    const some = Math.min(EFFICIENT_TOKENS, this.#affordable(STRETCH * targetMs, decodeRows));
    return Math.min(capacity, Math.max(MIN_PREFILL_TOKENS, affordable, some));
  }

  #affordable(targetMs: number, decodeRows: number): number {
    const spareMs = targetMs - this.expectedMs(decodeRows, 0);
    return Math.floor(spareMs / Math.max(this.#msPerPrefillToken ?? 0, 1e-6));
  }

  /** Time that a full step should take; the watchdog measures a silent engine against it. */
  expectedMs(decodeRows: number, prefillTokens: number, passes = 1): number {
    // The further passes of a mixed step are the prompts', whose time per token has them.
    const decodePasses = prefillTokens > 0 ? 1 : passes;
    const decodeMs =
      decodeRows > 0 ? Math.max(0, this.decodeMs(decodeRows, decodePasses) + this.#mixedExtraMs) : 0;
    return decodeMs + counted(prefillTokens, decodeRows) * (this.#msPerPrefillToken ?? 0);
  }
}

/** A step of a few prompt tokens alone takes as long as one of some more: it reads the weights for them. */
function counted(prefillTokens: number, decodeRows: number): number {
  return prefillTokens > 0 && decodeRows === 0 ? Math.max(prefillTokens, EFFICIENT_TOKENS) : prefillTokens;
}
