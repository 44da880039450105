import { existsSync, openSync, readdirSync, readFileSync, readSync } from "node:fs";

const NANOSECONDS_PER_MS = 1e6;
const NEWLINE = 10;

/** Milliseconds that threads were ready to run and had no processor. */
export interface Waited {
  /** Of the thread that waited longest: at least so much was lost by threads that wait for one another. */
  readonly longestMs: number;
  /** Of all threads: what was lost is at most that. */
  readonly totalMs: number;
}

export const none: Waited = { longestMs: 0, totalMs: 0 };

/**
 * Reads how long this process's compute threads have waited for a processor, which Linux counts for each thread in
 * `schedstat` (proc_pid_schedstat). To be made after the threads: they have the name of the thread that made them, and
 * Node's own have others.
 */
export class ProcessorWait {
  readonly #threads: Array<{ readonly file: number; nanoseconds: number }> = [];
  readonly #buffer = Buffer.alloc(96);

  constructor(tasks = "/proc/self/task") {
    if (!existsSync(tasks)) return;
    const nameOf = (task: string) => readFileSync(`${tasks}/${task}/comm`, "utf8");
    const names = new Map(readdirSync(tasks).map((task) => [task, nameOf(task)]));
    const own = names.get(String(process.pid));
    for (const [task, name] of names) {
      const path = `${tasks}/${task}/schedstat`;
      if (name === own && existsSync(path)) this.#threads.push({ file: openSync(path, "r"), nanoseconds: 0 });
    }
    this.take();
  }

  /** What was waited since the last call. */
  take(): Waited {
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

  /** The second number: nanoseconds on a run queue. Read by hand, since it is read at many steps. */
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
