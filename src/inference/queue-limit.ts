/** Room for a few to wait where only one or two can run. */
const MIN_QUEUE = 8;

/** Requests that may wait where the operator has set no number (`MAX_QUEUE`). */
export function defaultQueue(sequences: number): number {
  return Math.max(MIN_QUEUE, sequences);
}
