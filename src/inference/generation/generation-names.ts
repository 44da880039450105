import type { CacheView, PrefixReport } from "../cache-report.ts";

/** Generations whose requests are remembered: more than the engine's own memory of prompts. */
const REMEMBERED = 4000;

/** The ids of the requests that generations were for, which an engine process does not know. */
export class GenerationNames {
  /** Oldest first. */
  readonly #requests = new Map<number, string>();

  add(generation: number, requestId: string | undefined): void {
    if (requestId === undefined) return;
    this.#requests.set(generation, requestId);
    const [oldest] = this.#requests.keys();
    if (this.#requests.size > REMEMBERED && oldest !== undefined) this.#requests.delete(oldest);
  }

  ofReport({ donor, eviction, ...rest }: PrefixReport<number>): PrefixReport {
    const from = this.#of(donor);
    const by = this.#of(eviction?.by);
    return {
      ...rest,
      ...(from !== undefined && { donor: from }),
      ...(eviction !== undefined && { eviction: { agoMs: eviction.agoMs, ...(by !== undefined && { by }) } }),
    };
  }

  ofView({ sequences, evictions, ...rest }: CacheView<number>): CacheView {
    return {
      ...rest,
      sequences: sequences.map((sequence) => ({ ...sequence, request: this.#of(sequence.request) })),
      evictions: evictions.map((each) => ({
        ...each,
        request: this.#of(each.request),
        by: this.#of(each.by),
      })),
    };
  }

  #of(generation: number | undefined): string | undefined {
    return generation === undefined ? undefined : this.#requests.get(generation);
  }
}
