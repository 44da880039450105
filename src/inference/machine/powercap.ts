import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** One of the kernel's energy counters: `Documentation/power/powercap/powercap.rst`. */
interface Zone {
  readonly path: string;
  /** Microjoules after which it begins again at 0. */
  readonly range: number;
  last: number;
}

/** More than a machine takes: a counter that seems to have run so fast was set back. */
const MAX_WATTS = 5_000;

/**
 * The energy that processors and memory have taken, by the counters of Linux' powercap tree (RAPL). Packages and memory are
 * added up; cores are parts of packages, and a platform's counter has both in it.
 */
export class PowercapCounter {
  readonly #zones: readonly Zone[];

  private constructor(zones: readonly Zone[]) {
    this.#zones = zones;
  }

  /** The counter over `directory`, or why there is none. */
  static open(directory: string): PowercapCounter | { readonly reason: string } {
    let names: readonly string[];
    try {
      names = readdirSync(directory).filter((name) => /^[a-z-]+(:\d+)+$/.test(name));
    } catch {
      return { reason: `there is no ${directory}: a virtual machine or a container has no energy counters` };
    }
    try {
      const zones = names.map((name) => join(directory, name)).filter(isCounted);
      if (zones.length === 0) return { reason: `${directory} has no counter of a processor` };
      return new PowercapCounter(
        zones.map((path) => ({
          path,
          range: number(join(path, "max_energy_range_uj")),
          last: number(join(path, "energy_uj")),
        })),
      );
    } catch (error) {
      return { reason: `the counters can't be read: ${(error as Error).message}` };
    }
  }

  /** Joules since the call before, `ms` ago; undefined where a counter was set back meanwhile, or can't be read. */
  take(ms: number): number | undefined {
    let joules: number | undefined = 0;
    for (const zone of this.#zones) {
      const taken = this.#advance(zone);
      const isPlausible = taken !== undefined && taken / 1e6 <= (MAX_WATTS * Math.max(ms, 1)) / 1000;
      joules = joules === undefined || !isPlausible ? undefined : joules + taken / 1e6;
    }
    return joules;
  }

  /** Microjoules since the last look. */
  #advance(zone: Zone): number | undefined {
    let now: number;
    try {
      now = number(join(zone.path, "energy_uj"));
    } catch {
      return undefined;
    }
    const taken = now >= zone.last ? now - zone.last : now - zone.last + zone.range + 1;
    zone.last = now;
    return taken;
  }
}

function isCounted(path: string): boolean {
  const name = readFileSync(join(path, "name"), "utf8").trim();
  return name.startsWith("package") || name === "dram";
}

function number(path: string): number {
  const value = Number(readFileSync(path, "utf8"));
  if (!Number.isFinite(value)) throw new Error(`${path} holds no number`);
  return value;
}
