import { Presets, SingleBar } from "cli-progress";
import { formatBytes } from "./disk-space.ts";
import type { ModelProgress, ProgressListener } from "./progress.ts";

export interface ProgressDisplayOptions {
  /** Where a bar is drawn, when it is a terminal. */
  readonly stream: NodeJS.WriteStream;
  /** For lines every few seconds, when it is not. */
  readonly log: (line: string) => void;
  /** Milliseconds; `performance.now` unless given. */
  readonly clock?: () => number;
  readonly logIntervalMs?: number;
}

export interface ProgressDisplay {
  readonly onProgress: ProgressListener;
  /** Ends the bar, so that what is printed next starts on a line of its own. */
  stop(): void;
}

const verbs: Readonly<Record<ModelProgress["phase"], string>> = {
  waiting: "Waiting for another process that prepares this model",
  downloading: "Downloading",
  verifying: "Verifying",
  converting: "Converting",
};

/** Shows how far a model is: bytes, rate and time left, as a bar on a terminal and as log lines elsewhere. */
export function progressDisplay(options: ProgressDisplayOptions): ProgressDisplay {
  const clock = options.clock ?? (() => performance.now());
  return options.stream.isTTY
    ? barDisplay(options.stream, clock)
    : lineDisplay(options.log, clock, options.logIntervalMs ?? 5000);
}

/** Bytes a second since a phase began; bytes that an earlier run had fetched don't count. */
class Rate {
  readonly #clock: () => number;
  #phase: string | undefined;
  #startedAt = 0;
  #startBytes = 0;

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** `1.2 GB of 4.1 GB, 35 MB/s, 82 s left`. */
  describe({ phase, bytesDone, bytesTotal }: ModelProgress): string {
    if (phase !== this.#phase) {
      this.#phase = phase;
      this.#startedAt = this.#clock();
      this.#startBytes = bytesDone;
    }
    if (bytesTotal === 0) return "";
    const seconds = (this.#clock() - this.#startedAt) / 1000;
    const rate = seconds > 0 ? (bytesDone - this.#startBytes) / seconds : 0;
    const left =
      rate > 0 ? `, ${formatBytes(rate)}/s, ${duration((bytesTotal - bytesDone) / rate)} left` : "";
    return `${formatBytes(bytesDone)} of ${formatBytes(bytesTotal)}${left}`;
  }
}

function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

function barDisplay(stream: NodeJS.WriteStream, clock: () => number): ProgressDisplay {
  const rate = new Rate(clock);
  let bar: SingleBar | undefined;
  let phase: ModelProgress["phase"] | undefined;
  const stop = () => {
    bar?.stop();
    bar = undefined;
    phase = undefined;
  };
  return {
    stop,
    onProgress(progress) {
      if (progress.phase !== phase) {
        stop();
        phase = progress.phase;
        const format = `${verbs[phase]} [{bar}] {percentage}% {text}`;
        bar = new SingleBar(
          { stream, format, hideCursor: true, clearOnComplete: false },
          Presets.shades_classic,
        );
        bar.start(Math.max(1, progress.bytesTotal), progress.bytesDone, { text: "" });
      }
      bar?.update(progress.bytesDone, { text: rate.describe(progress) });
    },
  };
}

function lineDisplay(log: (line: string) => void, clock: () => number, intervalMs: number): ProgressDisplay {
  const rate = new Rate(clock);
  let phase: ModelProgress["phase"] | undefined;
  let loggedAt = 0;
  return {
    stop: () => {},
    onProgress(progress) {
      const text = rate.describe(progress);
      const isDue = progress.phase !== phase || clock() - loggedAt >= intervalMs;
      if (!isDue) return;
      phase = progress.phase;
      loggedAt = clock();
      log([verbs[phase], text].filter((part) => part !== "").join(": "));
    },
  };
}
