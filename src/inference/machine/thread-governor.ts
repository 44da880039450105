import { existsSync, readFileSync } from "node:fs";

/** Time between two looks at the machine: long enough for the kernel's 10 ms ticks to mean something. */
const INTERVAL_MS = 200;
/** Looks that must agree before a thread comes back; giving one up is urgent and needs but one. */
const AGREEMENT = 3;
/**
 * Cores that others may use beyond those left free before a thread is given up, and below which it comes back. ggml's
 * threads wait for one another by spinning, so a thread that shares its core holds up all of them: at 0.65 of a core
 * a thread too many costs more than a thread too few (docs/performance.md).
 */
const GIVE_UP_ABOVE = 0.65;
const TAKE_BACK_BELOW = 0.5;

/** CPU time used so far, in core-milliseconds. */
export interface CpuTimes {
  /** By everything on the machine. */
  readonly machineMs: number;
  /** By this process. */
  readonly ownMs: number;
  /** By processes that would step back for this one, so that a core they use is as good as free. */
  readonly yieldingMs: number;
}

export interface ThreadGovernorOptions {
  readonly cores: number;
  /**
   * Each thread has a core of its own. A neighbour on one of them then halves a step at worst, so giving up half of
   * the threads or more gains nothing.
   */
  readonly arePlaced: boolean;
}

/**
 * Chooses the number of compute threads by what the machine gives: its cores, less those that other processes keep
 * busy. What others take while this process wants all cores is what they are strong enough to take; what they use of
 * cores that this process leaves alone counts only as far as they would not step back.
 */
export class ThreadGovernor {
  readonly #cores: number;
  readonly #fewest: number;
  readonly #read: () => CpuTimes | undefined;
  #threads: number;
  #lastAt = Number.NEGATIVE_INFINITY;
  #last: CpuTimes | undefined;
  #wanted: number;
  #agreed = 0;

  constructor({ cores, arePlaced }: ThreadGovernorOptions, read: () => CpuTimes | undefined = readCpuTimes) {
    this.#cores = cores;
    this.#fewest = arePlaced ? Math.floor(cores / 2) + 1 : 1;
    this.#read = read;
    this.#threads = cores;
    this.#wanted = cores;
  }

  get threads(): number {
    return this.#threads;
  }

  /** To be called often, between steps and while idle; returns the new count when it changed. `now` in milliseconds. */
  update(now: number): number | undefined {
    const elapsedMs = now - this.#lastAt;
    if (elapsedMs < INTERVAL_MS) return undefined;
    const times = this.#read();
    const last = this.#last;
    this.#last = times;
    this.#lastAt = now;
    // After a pause the average says nothing about now.
    if (times === undefined || last === undefined || elapsedMs > 10 * INTERVAL_MS) return undefined;
    const others = Math.max(0, times.machineMs - last.machineMs - (times.ownMs - last.ownMs)) / elapsedMs;
    const yielding = (times.yieldingMs - last.yieldingMs) / elapsedMs;
    return this.#consider(others, Math.max(0, others - yielding));
  }

  #consider(others: number, unyielding: number): number | undefined {
    const wanted = this.#countFor(others, unyielding);
    this.#agreed = wanted === this.#wanted ? this.#agreed + 1 : 1;
    this.#wanted = wanted;
    const isTakingBack = wanted > this.#threads;
    if (wanted === this.#threads || (isTakingBack && this.#agreed < AGREEMENT)) return undefined;
    this.#threads = wanted;
    return wanted;
  }

  /** The most threads that others leave room for; all of them where too few would be left. */
  #countFor(others: number, unyielding: number): number {
    for (let threads = this.#cores; threads >= this.#fewest; threads--) {
      const room = this.#cores - threads;
      if (threads > this.#threads ? unyielding <= room + TAKE_BACK_BELOW : others <= room + GIVE_UP_ABOVE)
        return threads;
    }
    return this.#fewest === 1 ? 1 : this.#cores;
  }
}

const STAT = "/proc/stat";
const AUTOGROUP = "/proc/sys/kernel/sched_autogroup_enabled";
/** Milliseconds a tick of /proc/stat: USER_HZ is 100 on every Linux that Node runs on. */
const TICK_MS = 10;

/** Undefined where the system does not tell; the count then stays as it is. */
function readCpuTimes(): CpuTimes | undefined {
  if (!existsSync(STAT)) return undefined;
  // cpu user nice system idle iowait irq softirq steal …; `steal` is what the hypervisor gave to others.
  const [, user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = (
    readFileSync(STAT, "utf8").split("\n", 1)[0] ?? ""
  )
    .split(/\s+/)
    .map(Number);
  const own = process.cpuUsage();
  return {
    machineMs: (user + nice + system + irq + softirq + steal) * TICK_MS,
    ownMs: (own.user + own.system) / 1000,
    yieldingMs: niceProcessesYield ? nice * TICK_MS : 0,
  };
}

/** With autogroups a process's niceness counts within its own session only, so it does not step back for others. */
const niceProcessesYield = !existsSync(AUTOGROUP) || readFileSync(AUTOGROUP, "utf8").trim() === "0";
