import { readdir, readFile } from "node:fs/promises";
import { setPriority } from "node:os";

/** Of threads whose work a request waits for: where cores are few, they get a third of what a stream's threads get. */
const NICENESS = 5;
/** Of threads whose work takes seconds, and that anyone can have done: a tenth. */
const NICENESS_OF_LONG_WORK = 10;

/** Lets the thread that calls give way to others. Only Linux has priorities of single threads. */
export function giveWay({ isLong = false } = {}): void {
  if (process.platform === "linux") setPriority(0, isLong ? NICENESS_OF_LONG_WORK : NICENESS);
}

/** Lets the threads give way that Node does long native calls on. Reading their names is what starts them at the latest. */
export async function letPoolGiveWay(): Promise<void> {
  if (process.platform !== "linux") return;
  await readdir("/proc/self/task");
  for (const thread of await readdir("/proc/self/task")) {
    // Another thread may end meanwhile.
    const name = await readFile(`/proc/self/task/${thread}/comm`, "utf8").catch(() => "");
    if (name.trim() === "libuv-worker") setPriority(Number(thread), NICENESS_OF_LONG_WORK);
  }
}
