/** Milliseconds on the machine's monotonic clock, the same in every process of this machine. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

export type Clock = () => number;

/** Difference between the system's clock and the monotonic one that is taken for the system's having been set. */
const CLOCK_SET_MS = 20;

let offsetMs = Date.now() - monotonicMs();

/** Milliseconds since 1970 of a moment on the monotonic clock: the same moment gives the same figure each time. */
export function wallMs(at: number): number {
  const current = Date.now() - monotonicMs();
  if (Math.abs(current - offsetMs) > CLOCK_SET_MS) offsetMs = current;
  return at + offsetMs;
}
