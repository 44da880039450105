import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync } from "node:fs";
import type { Clock } from "../../platform/clock.ts";

const NANOSECONDS_PER_MS = 1e6;
const MICROSECONDS_PER_MS = 1e3;
/** Share of the time of all threads that they leave unused around the computing itself: below it nothing is asked. */
const UNUSED_SHARE = 0.05;
const NEWLINE = 10;

/** Milliseconds that threads were ready to run and had no processor. */
export interface Waited {
  /** Of the thread that waited longest: at least so much was lost by threads that wait for one another. */
  readonly longestMs: number;
  /** Of all threads: what was lost is at most that. */
  readonly totalMs: number;
}

export interface ProcessorWaitOptions {
  readonly clock: Clock;
  /** How many threads the next step computes with. */
  readonly computing: () => number;
  /** Processor time of the process, of all its threads. */
  readonly usedMs?: () => number;
  /** Where the system lists them. */
  readonly tasks?: string;
}

const none: Waited = { longestMs: 0, totalMs: 0 };

/**
 * Tells how long this process's compute threads waited for a processor during a step. Threads that compute use all of
 * their time, also while they wait for one another; so a step in which the process used as much processor time as its
 * threads had lost nothing. Only where some is missing Linux is asked what each thread waited (`schedstat`,
 * proc_pid_schedstat): that takes up to a tenth of a short step, and the sum for the process some microseconds.
 *
 * To be made after the threads: they have the name of the thread that made them, and Node's own have others.
 */
export class ProcessorWait {
  readonly #clock: Clock;
  readonly #computing: () => number;
  readonly #usedMs: () => number;
  #beganAt = 0;
  #usedBefore = 0;
  readonly #threads: Array<{ readonly file: number; nanoseconds: number }> = [];
  readonly #buffer = Buffer.alloc(96);

  constructor({
    clock,
    computing,
    usedMs = ownProcessorMs,
    tasks = "/proc/self/task",
  }: ProcessorWaitOptions) {
    this.#clock = clock;
    this.#computing = computing;
    this.#usedMs = usedMs;
    if (!existsSync(tasks)) return;
    const nameOf = (task: string) => readFileSync(`${tasks}/${task}/comm`, "utf8");
    const names = new Map(readdirSync(tasks).map((task) => [task, nameOf(task)]));
    const own = names.get(String(process.pid));
    for (const [task, name] of names) {
      const path = `${tasks}/${task}/schedstat`;
      if (name === own && existsSync(path)) this.#threads.push({ file: openSync(path, "r"), nanoseconds: 0 });
    }
    this.#take();
  }

  /** A step begins. */
  begin(): void {
    this.#beganAt = this.#clock();
    this.#usedBefore = this.#usedMs();
  }

  /** What was waited since `begin`. */
  end(): Waited {
    if (this.#threads.length === 0) return none;
    const hadMs = this.#computing() * (this.#clock() - this.#beganAt);
    const missingMs = hadMs - (this.#usedMs() - this.#usedBefore);
    if (missingMs < UNUSED_SHARE * hadMs) return none;
    const { longestMs, totalMs } = this.#take();
    // Part of that may be from before the step.
    return { longestMs: Math.min(longestMs, missingMs), totalMs: Math.min(totalMs, missingMs) };
  }

  /** Closes what it reads; nothing may be asked afterwards. */
  close(): void {
    for (const { file } of this.#threads) closeSync(file);
  }

  /** What was waited since the last call. */
  #take(): Waited {
    let longest = 0;
    let total = 0;
    for (const thread of this.#threads) {
      const now = this.#read(thread.file);
      const waited = now - thread.nanoseconds;
      thread.nanoseconds = now;
      longest = Math.max(longest, waited);
      total += waited;
    }
    if (total === 0) return none;
    return { longestMs: longest / NANOSECONDS_PER_MS, totalMs: total / NANOSECONDS_PER_MS };
  }

  /** The second number: nanoseconds on a run queue. */
  #read(file: number): number {
    const length = readSync(file, this.#buffer, 0, this.#buffer.length, 0);
    const text = this.#buffer.toString(
      "latin1",
      0,
      this.#buffer[length - 1] === NEWLINE ? length - 1 : length,
    );
    return Number(text.split(" ")[1] ?? 0);
  }
}

function ownProcessorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / MICROSECONDS_PER_MS;
}
