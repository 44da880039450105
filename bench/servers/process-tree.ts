import { readdirSync, readFileSync } from "node:fs";

/** What a process and its descendants have used so far. */
export interface TreeUsage {
  /** User and system time of all of them, in seconds; of those that ended, what their parents waited for. */
  readonly cpuSeconds: number;
  /** Memory resident now, summed: pages that several of them share count for each. */
  readonly residentBytes: number;
  readonly processes: number;
}

interface ProcessStat {
  readonly parent: number;
  readonly cpuTicks: number;
  readonly residentPages: number;
}

/** USER_HZ is 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;

/** Reads /proc; all zero where there is none. */
export function readTree(root: number): TreeUsage {
  const stats = readStats();
  const members = new Set([root]);
  // Children may come before their parents in the listing, so this repeats until nothing new is found.
  for (let found = 0; found !== members.size; ) {
    found = members.size;
    for (const [pid, { parent }] of stats) if (members.has(parent)) members.add(pid);
  }
  let cpuTicks = 0;
  let residentPages = 0;
  let processes = 0;
  for (const pid of members) {
    const stat = stats.get(pid);
    if (stat === undefined) continue;
    cpuTicks += stat.cpuTicks;
    residentPages += stat.residentPages;
    processes++;
  }
  return { cpuSeconds: cpuTicks / TICKS_PER_SECOND, residentBytes: residentPages * PAGE_BYTES, processes };
}

function readStats(): Map<number, ProcessStat> {
  const stats = new Map<number, ProcessStat>();
  for (const name of listProcesses()) {
    const stat = parseStat(readStat(name));
    if (stat !== undefined) stats.set(Number(name), stat);
  }
  return stats;
}

function listProcesses(): readonly string[] {
  try {
    return readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

/** Empty when the process has just ended. */
function readStat(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return "";
  }
}

/** `/proc/<pid>/stat` (proc(5)); the command in brackets may hold anything, so fields count from its end. */
export function parseStat(line: string): ProcessStat | undefined {
  const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
  const field = (number: number) => Number(fields[number - 3]);
  if (fields.length < 22) return undefined;
  return {
    parent: field(4),
    cpuTicks: field(14) + field(15) + field(16) + field(17),
    residentPages: field(24),
  };
}
