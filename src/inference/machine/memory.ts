import { existsSync, readFileSync } from "node:fs";
import { freemem } from "node:os";
import { join } from "node:path";
import { cgroupDirectories, readControl } from "./cgroup.ts";

/**
 * Bytes that this process can still take: what the machine has available, or less where a container's limit is
 * tighter. `root` stands for `/` in tests.
 */
export function availableMemory(root = "/"): number {
  return Math.min(machineAvailable(root), ...cgroupHeadroom(root));
}

function machineAvailable(root: string): number {
  const file = join(root, "proc/meminfo");
  if (existsSync(file)) {
    const match = /^MemAvailable:\s+(\d+) kB/m.exec(readFileSync(file, "utf8"));
    if (match?.[1] !== undefined) return Number(match[1]) * 1024;
  }
  return freemem();
}

const files = {
  1: {
    limit: "memory.limit_in_bytes",
    usage: "memory.usage_in_bytes",
    cached: /^total_inactive_file (\d+)$/m,
  },
  2: { limit: "memory.max", usage: "memory.current", cached: /^inactive_file (\d+)$/m },
} as const;

/** What each control group that limits this process has left. */
function cgroupHeadroom(root: string): number[] {
  return cgroupDirectories("memory", root).flatMap(({ version, directories }) =>
    directories.flatMap((directory) => {
      const { limit, usage, cached } = files[version];
      const bytes = Number(readControl(directory, limit));
      const used = Number(readControl(directory, usage));
      // "max" in version 2 and a number near 2^63 in version 1 mean no limit.
      if (!Number.isFinite(bytes) || !Number.isFinite(used) || bytes > 2 ** 60) return [];
      // Cached file pages count as used, and are given back when memory is wanted.
      const reclaimable = Number(cached.exec(readControl(directory, "memory.stat") ?? "")?.[1] ?? 0);
      return [Math.max(0, bytes - used + reclaimable)];
    }),
  );
}
