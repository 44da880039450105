import { existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

const STATUS = "/proc/self/status";

/** Numbers of the processors that this process may run on; empty where the system does not tell. */
export function allowedCpus(): readonly number[] {
  return atStart;
}

// Both are read once, when this process starts: placing compute threads narrows what the system says of the main thread,
// and a model that wakes places its threads again.
const atStart = readAllowed();
/** How many of them there are, on every system. */
export const processorCount = availableParallelism();

function readAllowed(): number[] {
  if (!existsSync(STATUS)) return [];
  // Ranges, as in `0-3,8`.
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync(STATUS, "utf8"))?.[1] ?? "";
  return list.split(",").flatMap((range) => {
    const [first = Number.NaN, last = first] = range.split("-").map(Number);
    return Number.isNaN(first) ? [] : Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

/**
 * Processors for `threads` compute threads, one each: all that this process may run on, when there are just as many.
 * With fewer threads the choice is better left to the system, which knows what else runs where.
 */
export function placement(threads: number, allowed = allowedCpus()): readonly number[] {
  return threads > 1 && threads === allowed.length ? allowed : [];
}
