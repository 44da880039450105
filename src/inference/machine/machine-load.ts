import { existsSync, readFileSync } from "node:fs";
import { allowedCpus } from "./cpu-affinity.ts";
import { usableCores } from "./cpu-limit.ts";

/** What the processors that this process may run on have done so far, in core-milliseconds. */
export interface MachineLoad {
  /** Processors that this process may run on. */
  readonly processors: number;
  /** Whole cores that it may keep busy: fewer under a container's quota. */
  readonly limit: number;
  /** Time used by everything on these processors. */
  readonly machineMs: number;
  /** Time used by this process. */
  readonly ownMs: number;
  /** Time used by processes that step back for this one, whose cores are as good as free. */
  readonly yieldingMs: number;
}

const STAT = "/proc/stat";
const AUTOGROUP = "/proc/sys/kernel/sched_autogroup_enabled";
/** Milliseconds per tick of /proc/stat: USER_HZ is 100 on every Linux that Node runs on. */
const TICK_MS = 10;

/** Reads the load of the processors that this process may run on. Undefined where the system does not say. */
export function readMachineLoad(): MachineLoad | undefined {
  if (!existsSync(STAT)) return undefined;
  const allowed = allowedCpus();
  const names = new Set(allowed.map((cpu) => `cpu${cpu}`));
  let machine = 0;
  let yielding = 0;
  for (const line of readFileSync(STAT, "utf8").split("\n")) {
    const [name = "", ...ticks] = line.split(/\s+/);
    if (!names.has(name)) continue;
    // user nice system idle iowait irq softirq steal …; `steal` is what the hypervisor gave to others.
    const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = ticks.map(Number);
    machine += user + nice + system + irq + softirq + steal;
    yielding += nice;
  }
  const own = process.cpuUsage();
  return {
    processors: allowed.length,
    limit: usableCores("/", allowed.length),
    machineMs: machine * TICK_MS,
    ownMs: (own.user + own.system) / 1000,
    yieldingMs: niceProcessesYield ? yielding * TICK_MS : 0,
  };
}

/** With autogroups a process's niceness counts within its own session only, so it does not step back for others. */
const niceProcessesYield = !existsSync(AUTOGROUP) || readFileSync(AUTOGROUP, "utf8").trim() === "0";
