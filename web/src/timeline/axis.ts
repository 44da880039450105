import type { TimelineStep } from "../../../src/telemetry/steps/timeline.ts";

/** Pauses longer than this are drawn as this long: an idle server would be all there is to see. */
export const LONGEST_PAUSE_MS = 25;

export function durationMs({ plan_ms, decode_ms, sample_ms }: TimelineStep): number {
  return plan_ms + decode_ms + sample_ms;
}

/** A step is slow when it took half as long again as such a step takes. */
export function isSlow(step: TimelineStep): boolean {
  return step.expected_ms > 0 && step.decode_ms > 1.5 * step.expected_ms;
}

/** Where steps lie on an axis of milliseconds on which long pauses are cut short. */
export class Axis {
  /** Beginning of each step. */
  readonly starts: Float64Array;
  /** What of each step every frame looks at: side by side here, and not in an object each. */
  readonly durations: Float64Array;
  readonly slow: Uint8Array;
  readonly waiting: Uint32Array;
  readonly end: number;
  /** What was cut out before a step, in milliseconds, by the index of the step. */
  readonly cuts: ReadonlyMap<number, number>;
  /** The longest step: how far left of a place a step that covers it may begin. */
  readonly longestMs: number;

  /** @param steps ascending by `at_ms`; those of several engines may overlap */
  constructor(steps: readonly TimelineStep[]) {
    this.starts = new Float64Array(steps.length);
    this.durations = new Float64Array(steps.length);
    this.slow = new Uint8Array(steps.length);
    this.waiting = new Uint32Array(steps.length);
    const cuts = new Map<number, number>();
    let cutMs = steps[0]?.at_ms ?? 0;
    let busyUntil = cutMs;
    let longestMs = 0;
    for (const [index, step] of steps.entries()) {
      const pause = step.at_ms - busyUntil;
      if (pause > LONGEST_PAUSE_MS) {
        cutMs += pause - LONGEST_PAUSE_MS;
        cuts.set(index, pause);
      }
      const ms = durationMs(step);
      busyUntil = Math.max(busyUntil, step.at_ms + ms);
      longestMs = Math.max(longestMs, ms);
      this.starts[index] = step.at_ms - cutMs;
      this.durations[index] = ms;
      this.slow[index] = Number(isSlow(step));
      this.waiting[index] = step.waiting;
    }
    this.cuts = cuts;
    this.longestMs = longestMs;
    this.end = busyUntil - cutMs;
  }

  /** Index of the first step that begins at `place` or after it. */
  firstAt(place: number): number {
    let [low, high] = [0, this.starts.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.starts[middle] ?? 0) < place) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The stretch of the axis that is shown. */
export interface Stretch {
  readonly from: number;
  readonly until: number;
}

/** A closer look would show less than a single short step. */
const NARROWEST_MS = 0.5;

/** `stretch` by that factor longer or shorter, with `place` where it was. */
export function zoomed({ from, until }: Stretch, factor: number, place: number, end: number): Stretch {
  const width = Math.max(NARROWEST_MS, Math.min(end, (until - from) * factor));
  const share = until > from ? (place - from) / (until - from) : 0.5;
  return within({ from: place - share * width, until: place + (1 - share) * width }, end);
}

/** `stretch` moved so far that it lies on the axis. */
export function within({ from, until }: Stretch, end: number): Stretch {
  const width = Math.min(until - from, Math.max(end, NARROWEST_MS));
  const start = Math.max(0, Math.min(from, end - width));
  return { from: start, until: start + width };
}

export function moved({ from, until }: Stretch, byMs: number, end: number): Stretch {
  return within({ from: from + byMs, until: until + byMs }, end);
}
