import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { Logger } from "pino";
import { type Clock, monotonicMs } from "../../platform/clock.ts";
import { timeOfUuidV7, uuidV7 } from "../../platform/uuid.ts";
import type { LedgerRow } from "../ledger/row.ts";
import type { KeptStep, StepRing } from "./step-ring.ts";

export const flightCauses = ["slow_request", "engine_crash"] as const;

/** Why some steps were worth keeping. */
export interface FlightHead {
  readonly id: string;
  readonly cause: (typeof flightCauses)[number];
  /** Of a slow request; null for a crash. */
  readonly requestId: string | null;
  /** Of a crash: how the process ended. */
  readonly reason: string | null;
  readonly stepCount: number;
}

export interface Flight extends FlightHead {
  /** Oldest first, on the clock of this process, whichever recorded them. */
  readonly steps: readonly KeptStep[];
}

export interface FlightRecorderOptions {
  readonly directory: string;
  readonly steps: StepRing;
  /** Requests that took longer have their steps kept; 0 keeps none of them. */
  readonly slowMs: number;
  /** Turns a step's time into milliseconds since 1970. */
  readonly toWallMs: (ms: number) => number;
  readonly log: Pick<Logger, "error" | "info">;
  readonly clock?: Clock;
}

/** Recordings that are kept, and steps of one. */
const KEPT_FLIGHTS = 200;
const MAX_STEPS = 2000;
/** Steps before a crash. */
const CRASH_STEPS = 200;
/** Bytes that hold a file's first line. */
const HEAD_BYTES = 4096;
/** Where every request is slow, one in so long says enough: writing takes time from answers. */
const PAUSE_MS = 1000;

/** Keeps on disk the steps of slow requests, and the last ones before an engine crashed: what memory forgets. */
export class FlightRecorder {
  readonly #options: FlightRecorderOptions;
  readonly #clock: Clock;
  #recordedAt = Number.NEGATIVE_INFINITY;
  #hasFailed = false;

  constructor(options: FlightRecorderOptions) {
    this.#options = options;
    this.#clock = options.clock ?? monotonicMs;
  }

  /** A request is over. */
  record({ requestId, latencyMs, generations }: LedgerRow): void {
    const { slowMs, steps } = this.#options;
    const now = this.#clock();
    if (slowMs === 0 || latencyMs < slowMs || generations === 0 || now - this.#recordedAt < PAUSE_MS) return;
    this.#recordedAt = now;
    const own = [...steps.between(now - latencyMs, now)].filter(({ sequences }) =>
      sequences.some((share) => share.requestId === requestId),
    );
    this.#write({ cause: "slow_request", requestId, reason: null, steps: own.slice(-MAX_STEPS) });
  }

  /** The engine process of `model` ended while it should not have. */
  crashed(model: string, reason: string): void {
    const last = [...this.#options.steps.latest(CRASH_STEPS)].filter((step) => step.model === model);
    this.#write({ cause: "engine_crash", requestId: null, reason: reason.slice(0, 1000), steps: last });
  }

  /** The latest first. */
  list(): readonly FlightHead[] {
    return this.#ids().map((id) => JSON.parse(firstLine(this.#path(id))) as FlightHead);
  }

  find(id: string): Flight | undefined {
    if (timeOfUuidV7(id) === undefined || !this.#ids().includes(id)) return undefined;
    const [head = "", steps = ""] = readFileSync(this.#path(id), "utf8").split("\n");
    const offsetMs = this.#options.toWallMs(0);
    return {
      ...(JSON.parse(head) as FlightHead),
      steps: (JSON.parse(steps) as KeptStep[]).map((step) => ({
        ...step,
        startedAt: step.startedAt - offsetMs,
      })),
    };
  }

  #write({ steps, ...why }: Omit<Flight, "id" | "stepCount">): void {
    if (steps.length === 0) return;
    const { directory, toWallMs, log } = this.#options;
    const id = uuidV7(Date.now());
    const head: FlightHead = { id, ...why, stepCount: steps.length };
    // On the wall's clock: the machine's own begins anew when it does.
    const lasting = steps.map((step) => ({ ...step, startedAt: toWallMs(step.startedAt) }));
    try {
      mkdirSync(directory, { recursive: true });
      // Whole or not at all: a reader never sees half a file.
      const text = `${JSON.stringify(head)}\n${JSON.stringify(lasting)}\n`;
      writeFileSync(`${this.#path(id)}.part`, text, { mode: 0o600 });
      renameSync(`${this.#path(id)}.part`, this.#path(id));
      for (const old of this.#ids().slice(KEPT_FLIGHTS)) rmSync(this.#path(old), { force: true });
      log.info({ flight: id, cause: head.cause, steps: steps.length }, "steps recorded");
    } catch (error) {
      // It must not fail an answer; what can't be written is reported once.
      if (!this.#hasFailed) log.error({ err: error }, "steps can't be recorded");
      this.#hasFailed = true;
    }
  }

  /** The latest first. */
  #ids(): readonly string[] {
    try {
      const names = readdirSync(this.#options.directory).filter((name) => name.endsWith(".json"));
      return names
        .map((name) => name.slice(0, -".json".length))
        .toSorted()
        .reverse();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
  }

  #path(id: string): string {
    return join(this.#options.directory, `${id}.json`);
  }
}

function firstLine(path: string): string {
  const file = openSync(path, "r");
  try {
    const head = Buffer.alloc(HEAD_BYTES);
    const text = head.toString("utf8", 0, readSync(file, head));
    return text.slice(0, text.indexOf("\n"));
  } finally {
    closeSync(file);
  }
}
