import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { TestNews } from "./test-reporter.ts";

export interface FileOutcome {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** What it printed, and why it ended where no test says so; empty when all of that was printed at once. */
  readonly output: Buffer;
  readonly seconds: number;
}

const PIPE_TIMEOUT_MS = 2_000;

/** Compiled code, the server's too: without it each file compiles all that it imports. */
const compileCache = fileURLToPath(new URL("../node_modules/.cache/compile", import.meta.url));
const reporter = fileURLToPath(new URL("./test-reporter.ts", import.meta.url));

/**
 * One test file in a process group and a temporary directory of its own: what it started and wrote ends with
 * it. A test that runs out of time leaves servers behind that would keep the file's process alive.
 */
export class TestFile {
  readonly path: string;
  readonly #child: ChildProcess;
  readonly #directory: string;
  readonly #running: string[] = [];
  readonly #output: Buffer[] = [];
  readonly #counts = { passed: 0, failed: 0, skipped: 0 };
  /** Seconds since a test last began or ended, as the machine gave them. */
  #spentSeconds = 0;
  #timedOut: string | undefined;
  readonly #startedAt = performance.now();

  /** `isLive`: print at once; without it the output waits in memory until the file ends. */
  constructor(path: string, isLive: boolean) {
    this.path = path;
    this.#directory = mkdtempSync(join(tmpdir(), "test-"));
    // Postgres refuses to run as root: its user must reach the directories that it is given in here.
    chmodSync(this.#directory, 0o711);
    this.#child = spawn(process.execPath, [`--test-reporter=${reporter}`, path], {
      detached: true,
      env: {
        ...process.env,
        TMPDIR: this.#directory,
        NODE_COMPILE_CACHE: compileCache,
        ...(process.stdout.isTTY && { FORCE_COLOR: "1" }),
      },
      stdio: ["ignore", isLive ? "inherit" : "pipe", isLive ? "inherit" : "pipe", "ipc"],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on("data", (chunk: Buffer) => this.#output.push(chunk));
    this.#child.on("message", (news) => this.#heard(news as TestNews));
  }

  /** Names of the test that is running, from the outermost suite on; empty between tests. */
  get running(): readonly string[] {
    return this.#running;
  }

  /** Resolves when the file has ended, by itself or not, and nothing of it is left. */
  async ended(): Promise<FileOutcome> {
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    this.#child.once("error", (error) => resolve(error.message));
    const closed = new Promise((resolve) => this.#child.once("close", resolve));
    this.#child.once("exit", (code, signal) =>
      resolve(code === 0 ? undefined : `ended with ${signal ?? `exit code ${code}`}`),
    );
    const problem = await promise;
    this.kill();
    // Reads what is still in the pipes, which a process in a group of its own may hold open.
    await Promise.race([closed, sleep(PIPE_TIMEOUT_MS, undefined, { ref: false })]);
    rmSync(this.#directory, { recursive: true, force: true, maxRetries: 3 });
    return this.#outcome(this.#timedOut ?? problem);
  }

  /** Counts `seconds` against the limit of the test that runs, and ends the whole file when they are used up. */
  spend(seconds: number, limitSeconds: number): void {
    this.#spentSeconds += seconds;
    if (this.#timedOut !== undefined || this.#spentSeconds < limitSeconds) return;
    this.#timedOut =
      this.#running.length > 0
        ? `ran out of time in: ${this.#running.join(" > ")}`
        : "ran all its tests and did not end: something that it opened is still open";
    this.kill();
  }

  /** Ends the file's process and every process that it started. */
  kill(): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, "SIGKILL");
    } catch (error) {
      // None of them is left; macOS says EPERM of those that have ended.
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "ESRCH" && code !== "EPERM") throw error;
    }
  }

  /** A file that ended badly without a failed test, or before its last one, is a failure of its own. */
  #outcome(problem: string | undefined): FileOutcome {
    const { passed, failed, skipped } = this.#counts;
    const output = Buffer.concat(this.#output);
    const seconds = (performance.now() - this.#startedAt) / 1000;
    if (problem === undefined || (failed > 0 && this.#timedOut === undefined))
      return { passed, failed, skipped, output, seconds };
    const last = Buffer.from(`✖ ${this.path} ${problem}\n`);
    return { passed, failed: failed + 1, skipped, output: Buffer.concat([output, last]), seconds };
  }

  #heard(news: TestNews): void {
    this.#spentSeconds = 0;
    if (news.type === "began") this.#running.push(news.name);
    else {
      this.#running.splice(this.#running.lastIndexOf(news.name), 1);
      if (news.outcome !== undefined) this.#counts[news.outcome]++;
    }
  }
}
