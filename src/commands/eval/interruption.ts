import { constants } from "node:os";

const names = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** The first Ctrl-C (or SIGTERM, SIGHUP) as an abort, which leaves time to tidy up; a second one ends the process at once. */
export class Interruption {
  readonly #controller = new AbortController();
  #exitCode = 1;

  constructor() {
    for (const name of names) {
      process.on(name, () => {
        // As shells have it.
        this.#exitCode = 128 + constants.signals[name];
        if (this.signal.aborted) process.exit(this.#exitCode);
        this.#controller.abort();
      });
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get exitCode(): number {
    return this.#exitCode;
  }
}
