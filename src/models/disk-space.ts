import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { ModelError } from "./errors.ts";

/**
 * Refuses to start what the disk can't hold.
 * @param path a file or folder to be made; the nearest folder that exists determines the file system
 * @throws ModelError `disk_full`, with what is needed and what is free
 */
export async function requireFreeSpace(path: string, bytes: number, purpose: string): Promise<void> {
  const free = await freeBytes(dirname(path));
  if (free === undefined || free >= bytes) return;
  throw new ModelError(
    "disk_full",
    `Not enough disk space ${purpose}: ${formatBytes(bytes)} are needed in ${dirname(path)}, ${formatBytes(free)} are free`,
  );
}

async function freeBytes(directory: string): Promise<number | undefined> {
  for (let current = directory; ; current = dirname(current)) {
    try {
      const { bavail, bsize } = await statfs(current);
      return bavail * bsize;
    } catch {
      // Not there yet, or a file system that doesn't report it: then its parent; at the root it is unknown.
      if (current === dirname(current)) return undefined;
    }
  }
}

/** `1.2 GB`: three digits that a person reads, in powers of 1,000 as disks and the hub count. */
export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const value = bytes / 1000 ** power;
  return `${power === 0 || value >= 100 ? value.toFixed(0) : value.toFixed(1)} ${units[power]}`;
}
