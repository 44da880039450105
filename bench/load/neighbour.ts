import { type ChildProcess, spawn } from "node:child_process";

/** It ends by itself after this long, where it was not stopped before. */
const NEIGHBOUR_LIFE_MS = 600_000;

/** A process that uses one core until it is disposed of. */
export class Neighbour implements Disposable {
  readonly #child: ChildProcess;
  readonly #onExit = () => this.#child.kill("SIGKILL");

  constructor() {
    const program = `const end = Date.now() + ${NEIGHBOUR_LIFE_MS}; while (Date.now() < end);`;
    this.#child = spawn(process.execPath, ["-e", program], { stdio: "ignore" });
    process.once("exit", this.#onExit);
  }

  [Symbol.dispose](): void {
    process.off("exit", this.#onExit);
    this.#child.kill("SIGKILL");
  }
}
