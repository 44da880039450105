import { type ChildProcess, fork } from "node:child_process";
import { createInterface } from "node:readline";
import type { Clock } from "../../platform/clock.ts";
import type { ProcessNews } from "./process-news.ts";

/** News of a process's work, for which the supervisor is only the messenger. */
interface WorkNews {
  readonly type: string;
  /** What the watchdog should allow the next step. */
  readonly expectedStepMs?: number;
}

/** What the supervisor sends to its engine. */
export interface SupervisorEvents<Model, News> {
  onMessage(message: News): void;
  onProgress(fraction: number): void;
  onReady(model: Model, capacity: string): void;
  /** The process is gone and another one will be started in `delayMs`. */
  onCrash(reason: string, attempt: number, delayMs: number): void;
  /** The model can't be loaded, and trying again would not help. */
  onLoadFailed(message: string): void;
  onLog(level: "debug" | "info" | "warn" | "error", text: string): void;
}

export interface SupervisorOptions<Work> {
  /** Path of the module that the process runs. */
  readonly entry: string;
  /** Its first message: what to load. */
  readonly load: Work;
  /** Silence after which a process with a quick step is taken for hung; a slow one gets ten of its steps, one that loads ten times as long. */
  readonly hangTimeoutMs: number;
  readonly clock: Clock;
}

const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 30_000;
/** Loads that the longest pause lasts, where they are quick. */
const LONGEST_DELAY_LOADS = 4;
const LEAST_LONGEST_DELAY_MS = 2_000;
/** Ends of a process in a row, none of which has ever loaded the model, after which it counts as unloadable. */
const MAX_LOAD_CRASHES = 3;
const CHECK_INTERVAL_MS = 1_000;
/** Loading answers no pings, and between two percents of it may lie gigabytes of a slow disk. */
const LOADING_PATIENCE = 10;
/** Time that a process has to save what later ones can use. */
const KILL_AFTER_MS = 6_000;
/** Last words of a process that are kept to explain its end. */
const TAIL_LINES = 20;

/** Keeps one engine process alive: starts it, watches it, restarts it with back-off, ends it. */
export class Supervisor<Model, Work, News extends WorkNews> {
  readonly #options: SupervisorOptions<Work>;
  readonly #events: SupervisorEvents<Model, News>;
  #child: ChildProcess | undefined;
  #isReady = false;
  #isClosing = false;
  #attempt = 0;
  #hasServed = false;
  #wasKilled = false;
  #startedAt = 0;
  /** Of the latest load that succeeded. */
  #loadMs: number | undefined;
  #lastHeardAt = 0;
  #lastCheckAt = 0;
  #expectedStepMs = 0;
  #restartTimer: NodeJS.Timeout | undefined;
  #watchdog: NodeJS.Timeout | undefined;
  #tail: string[] = [];

  constructor(options: SupervisorOptions<Work>, events: SupervisorEvents<Model, News>) {
    this.#options = options;
    this.#events = events;
  }

  start(): void {
    this.#tail = [];
    this.#hasServed = false;
    this.#wasKilled = false;
    this.#startedAt = this.#options.clock();
    const child = fork(this.#options.entry, [], {
      serialization: "advanced",
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      // Flags of the server's own process, a debugger's port among them, are not the engine's.
      execArgv: [],
      env: { ...process.env, GLIBC_TUNABLES: withHugePages(process.env["GLIBC_TUNABLES"]) },
    });
    this.#child = child;
    child.on("message", (message) => this.#receive(child, message as ProcessNews<Model> | News));
    child.on("error", (error) => this.#events.onLog("error", `engine process: ${error.message}`));
    child.once("exit", (code, signal) => this.#exited(child, code, signal));
    for (const stream of [child.stdout, child.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on("line", (line) => this.#nativeLine(line));
    }
    this.send(this.#options.load);
    this.#lastHeardAt = this.#options.clock();
    this.#watch();
  }

  send(message: Work | { readonly type: "ping" }): void {
    // A message to a process that has just died is dropped; its exit event settles what it was for.
    if (this.#child?.connected === true) this.#child.send(message as object, () => {});
  }

  /** The process has finished a request: its next end is the first of a new row, with the shortest pause. */
  served(): void {
    this.#hasServed = true;
  }

  /** Of the process that runs now. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Ends the process and waits until it is gone. */
  async close(): Promise<void> {
    this.#isClosing = true;
    clearTimeout(this.#restartTimer);
    clearInterval(this.#watchdog);
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    const timer = setTimeout(() => child.kill("SIGKILL"), KILL_AFTER_MS);
    if (child.connected) child.disconnect();
    await gone;
    clearTimeout(timer);
  }

  #receive(child: ChildProcess, message: ProcessNews<Model> | News): void {
    if (child !== this.#child) return;
    this.#lastHeardAt = this.#options.clock();
    if (isOwnNews(message)) this.#heard(child, message);
    else {
      this.#expectedStepMs = message.expectedStepMs ?? this.#expectedStepMs;
      this.#events.onMessage(message);
    }
  }

  #heard(child: ChildProcess, message: ProcessNews<Model>): void {
    switch (message.type) {
      case "progress":
        this.#events.onProgress(message.fraction);
        break;
      case "ready":
        this.#isReady = true;
        this.#loadMs = this.#lastHeardAt - this.#startedAt;
        this.#events.onReady(message.model, message.capacity);
        break;
      case "load_failed":
        this.#isClosing = true;
        this.#events.onLoadFailed(message.message);
        child.disconnect();
        break;
      case "log":
        this.#events.onLog(message.level, message.text);
        break;
      case "pong":
        break;
      default:
        message satisfies never;
    }
  }

  #exited(child: ChildProcess, code: number | null, signal: NodeJS.Signals | null): void {
    if (child !== this.#child) return;
    clearInterval(this.#watchdog);
    this.#isReady = false;
    if (this.#isClosing) return;
    this.#attempt = this.#hasServed ? 1 : this.#attempt + 1;
    const reason = `engine process ended with ${this.#howItEnded(code, signal)}`;
    if (this.#loadMs === undefined && this.#attempt >= MAX_LOAD_CRASHES) {
      this.#isClosing = true;
      this.#events.onLoadFailed(
        `The model can't be loaded: ${this.#attempt} processes in a row ended while they loaded it; the last ${reason}`,
      );
      return;
    }
    const delayMs = Math.min(this.#longestDelayMs, FIRST_DELAY_MS * 2 ** (this.#attempt - 1));
    this.#events.onCrash(reason, this.#attempt, delayMs);
    this.#restartTimer = setTimeout(() => this.start(), delayMs);
  }

  /** A quick load costs little when it is in vain, and a long pause after it would keep clients waiting for nothing. */
  get #longestDelayMs(): number {
    if (this.#loadMs === undefined) return LONGEST_DELAY_MS;
    const loads = LONGEST_DELAY_LOADS * this.#loadMs;
    return Math.min(LONGEST_DELAY_MS, Math.max(LEAST_LONGEST_DELAY_MS, loads));
  }

  #howItEnded(code: number | null, signal: NodeJS.Signals | null): string {
    const how = signal === null ? `exit code ${code}` : signal;
    // This server's own SIGKILL follows a line about a silent engine.
    if (signal === "SIGKILL" && !this.#wasKilled) return `${how} (out of memory?)`;
    return this.#tail.length > 0 ? `${how}; its last lines: ${this.#tail.join(" | ")}` : how;
  }

  /** Pings the process; one that answers neither pings nor with steps for too long is killed, and so restarted. */
  #watch(): void {
    const { clock, hangTimeoutMs } = this.#options;
    clearInterval(this.#watchdog);
    this.#lastCheckAt = clock();
    this.#watchdog = setInterval(() => {
      const now = clock();
      // When this timer itself was late (a suspended machine), the silence proves nothing.
      if (now - this.#lastCheckAt > 3 * CHECK_INTERVAL_MS) this.#lastHeardAt = now;
      this.#lastCheckAt = now;
      const allowedMs = this.#isReady
        ? Math.max(hangTimeoutMs, 10 * this.#expectedStepMs)
        : LOADING_PATIENCE * hangTimeoutMs;
      if (now - this.#lastHeardAt > allowedMs) {
        this.#events.onLog(
          "error",
          `engine silent for ${Math.round(now - this.#lastHeardAt)} ms: killing it`,
        );
        this.#wasKilled = true;
        this.#child?.kill("SIGKILL");
      } else if (this.#isReady) {
        this.send({ type: "ping" });
      }
    }, CHECK_INTERVAL_MS);
    this.#watchdog.unref();
  }

  #nativeLine(line: string): void {
    this.#tail = [...this.#tail.slice(1 - TAIL_LINES), line];
    this.#events.onLog("debug", line);
  }
}

const ownNews: ReadonlySet<string> = new Set<ProcessNews<never>["type"]>([
  "progress",
  "ready",
  "load_failed",
  "log",
  "pong",
]);

function isOwnNews<Model, News extends WorkNews>(
  message: ProcessNews<Model> | News,
): message is ProcessNews<Model> {
  return ownNews.has(message.type);
}

/**
 * Lets glibc ask for huge pages where the system gives them on request (Linux's default): a KV cache then takes hundreds
 * of page faults to make and not hundreds of thousands (docs/performance.md). What the user has set counts more.
 */
function withHugePages(tunables: string | undefined): string {
  return ["glibc.malloc.hugetlb=1", ...(tunables ? [tunables] : [])].join(":");
}
