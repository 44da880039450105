import { cgroupDirectories, readControl } from "./cgroup.ts";
import { processorCount } from "./cpu-affinity.ts";

/**
 * Whole cores that this process may keep busy: those it may run on, or fewer where a container's quota is tighter (a
 * thread more than the quota would only wait with the others for the next period). At least 1.
 */
export function usableCores(root = "/", parallelism = processorCount): number {
  return Math.max(1, Math.floor(Math.min(parallelism, ...quotas(root))));
}

/**
 * Compute threads where `asked` were asked for; 0 means one per usable core. Never more than `processors`: threads wait
 * for one another by spinning. Two on one processor take turns by whole time slices, and a token takes seconds.
 */
export function computeThreads(asked: number, processors = processorCount): number {
  return asked === 0 ? usableCores() : Math.min(asked, processors);
}

/** Cores a period of each control group that limits this process. */
function quotas(root: string): number[] {
  return cgroupDirectories("cpu", root).flatMap(({ version, directories }) =>
    directories.flatMap((directory) => {
      const [quota, period] =
        version === 2
          ? (readControl(directory, "cpu.max") ?? "").split(" ").map(Number)
          : [readControl(directory, "cpu.cfs_quota_us"), readControl(directory, "cpu.cfs_period_us")].map(
              Number,
            );
      // "max" in version 2 and -1 in version 1 mean no limit.
      return quota !== undefined && period !== undefined && quota > 0 && period > 0 ? [quota / period] : [];
    }),
  );
}
