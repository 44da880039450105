import { readFileSync } from "node:fs";

/**
 * Bytes of memory that process `pid` takes: its own, and its share of what it shares (weights that two processes map count
 * once). Undefined where the system doesn't say (only Linux does) or the process is gone.
 */
export function processMemory(pid: number): number | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  } catch {
    return undefined;
  }
  const proportional = /^Pss:\s+(\d+) kB/m.exec(text)?.[1];
  return proportional === undefined ? undefined : Number(proportional) * 1024;
}
