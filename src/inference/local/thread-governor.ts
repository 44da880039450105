import { existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

/** Time between two looks at the machine: long enough for the kernel's 10 ms ticks to mean something. */
const INTERVAL_MS = 200;
/** Looks that must agree before the count changes. */
const AGREEMENT = 2;
/**
 * Cores that others may use beyond those left free before a thread is given up, and below which it comes back. ggml's
 * threads wait for one another by spinning, so a thread that shares its core holds up all of them: at 0.65 of a core
 * a thread too many costs more than a thread too few (docs/performance.md).
 */
const GIVE_UP_ABOVE = 0.65;
const TAKE_BACK_BELOW = 0.5;

/** CPU time used so far, in core-milliseconds: by everything on the machine, and by this process. */
export interface CpuTimes {
  readonly machineMs: number;
  readonly ownMs: number;
}

/**
 * Chooses the number of compute threads by what the machine gives: its cores, less those that other processes keep
 * busy. Processes of low priority (nice) do not count, since the kernel lets them wait.
 */
export class ThreadGovernor {
  readonly #maximum: number;
  readonly #cores: number;
  readonly #read: () => CpuTimes | undefined;
  #threads: number;
  #lastAt = Number.NEGATIVE_INFINITY;
  #last: CpuTimes | undefined;
  #wanted: number;
  #agreed = 0;

  constructor(cores = availableParallelism(), read: () => CpuTimes | undefined = readCpuTimes) {
    this.#maximum = cores;
    this.#cores = cores;
    this.#read = read;
    this.#threads = cores;
    this.#wanted = cores;
  }

  get threads(): number {
    return this.#threads;
  }

  /** To be called between steps; returns the new count when it changed. `now` in milliseconds. */
  update(now: number): number | undefined {
    const elapsedMs = now - this.#lastAt;
    if (elapsedMs < INTERVAL_MS) return undefined;
    const times = this.#read();
    const last = this.#last;
    this.#last = times;
    this.#lastAt = now;
    // After a pause the average says nothing about now.
    if (times === undefined || last === undefined || elapsedMs > 10 * INTERVAL_MS) return undefined;
    const othersMs = Math.max(0, times.machineMs - last.machineMs - (times.ownMs - last.ownMs));
    return this.#consider(othersMs / elapsedMs);
  }

  #consider(othersCores: number): number | undefined {
    const wanted = this.#countFor(othersCores);
    this.#agreed = wanted === this.#wanted ? this.#agreed + 1 : 1;
    this.#wanted = wanted;
    if (wanted === this.#threads || this.#agreed < AGREEMENT) return undefined;
    this.#threads = wanted;
    return wanted;
  }

  /** The most threads that others leave room for. */
  #countFor(othersCores: number): number {
    for (let threads = this.#maximum; threads > 1; threads--) {
      const tolerance = threads > this.#threads ? TAKE_BACK_BELOW : GIVE_UP_ABOVE;
      if (othersCores <= this.#cores - threads + tolerance) return threads;
    }
    return 1;
  }
}

const STAT = "/proc/stat";
/** Milliseconds a tick of /proc/stat: USER_HZ is 100 on every Linux that Node runs on. */
const TICK_MS = 10;

/** Undefined where the system does not tell; the count then stays as it is. */
function readCpuTimes(): CpuTimes | undefined {
  if (!existsSync(STAT)) return undefined;
  // cpu user nice system idle iowait irq softirq steal …; `steal` is what the hypervisor gave to others.
  const [, user, , system, , , irq, softirq, steal] = (readFileSync(STAT, "utf8").split("\n", 1)[0] ?? "")
    .split(/\s+/)
    .map(Number);
  const { user: ownUser, system: ownSystem } = process.cpuUsage();
  const busy = [user, system, irq, softirq, steal].reduce<number>((sum, ticks) => sum + (ticks ?? 0), 0);
  return { machineMs: busy * TICK_MS, ownMs: (ownUser + ownSystem) / 1000 };
}
