import { existsSync, readFileSync } from "node:fs";
import { freemem } from "node:os";

/**
 * Bytes that this process can still take: what the machine has available, or less where a container's limit
 * (cgroup v2 or v1) is tighter.
 */
export function availableMemory(): number {
  return Math.min(machineAvailable(), ...cgroupHeadroom());
}

function machineAvailable(): number {
  if (existsSync("/proc/meminfo")) {
    const match = /^MemAvailable:\s+(\d+) kB/m.exec(readFileSync("/proc/meminfo", "utf8"));
    if (match?.[1] !== undefined) return Number(match[1]) * 1024;
  }
  return freemem();
}

const cgroupFiles = [
  {
    limit: "/sys/fs/cgroup/memory.max",
    usage: "/sys/fs/cgroup/memory.current",
    stat: "/sys/fs/cgroup/memory.stat",
    reclaimable: /^inactive_file (\d+)$/m,
  },
  {
    limit: "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    usage: "/sys/fs/cgroup/memory/memory.usage_in_bytes",
    stat: "/sys/fs/cgroup/memory/memory.stat",
    reclaimable: /^total_inactive_file (\d+)$/m,
  },
];

function cgroupHeadroom(): number[] {
  return cgroupFiles.flatMap(({ limit, usage, stat, reclaimable }) => {
    if (!existsSync(limit) || !existsSync(usage)) return [];
    const bytes = Number(readFileSync(limit, "utf8").trim());
    // "max" in v2 and a number near 2^63 in v1 mean no limit.
    if (!Number.isFinite(bytes) || bytes > 2 ** 60) return [];
    // Cached file pages count as used, and are given back when memory is wanted.
    const cached = existsSync(stat) ? Number(reclaimable.exec(readFileSync(stat, "utf8"))?.[1] ?? 0) : 0;
    return [Math.max(0, bytes - Number(readFileSync(usage, "utf8").trim()) + cached)];
  });
}
