/** A process that attacks, apart from the one that measures, so that what its requests cost to make is not taken for the server's. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { AttackOrder, AttackReport } from "./attacker-process.ts";

/** Of the process: attackers have machines of their own, and take little of this one's time from the server. */
const NICENESS = 5;
const entry = fileURLToPath(new URL("./attacker-process.ts", import.meta.url));

export class Attacker implements Disposable {
  readonly #child: ChildProcess;
  readonly #kill = () => this.#child.kill("SIGKILL");

  constructor() {
    this.#child = spawn("nice", ["-n", String(NICENESS), process.execPath, entry], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    process.once("exit", this.#kill);
  }

  /** Runs an attack to its end. @throws Error when the process ended before */
  async run(order: AttackOrder): Promise<AttackReport> {
    const over = new AbortController();
    const ended = once(this.#child, "exit", { signal: over.signal }).then(() => {
      throw new Error("the attacking process ended");
    });
    ended.catch(() => undefined);
    this.#child.send(order);
    try {
      const [report] = await Promise.race([once(this.#child, "message"), ended]);
      return report as AttackReport;
    } finally {
      over.abort();
    }
  }

  [Symbol.dispose](): void {
    process.off("exit", this.#kill);
    this.#kill();
  }
}
