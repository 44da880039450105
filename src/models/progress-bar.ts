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
  /** Ends the bar; what is printed next starts on a new line. */
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

/** Bytes per second since a stretch began; bytes that an earlier run had fetched don't count. */
class Rate {
  readonly #clock: () => number;
  #stretch: string | undefined;
  #startedAt = 0;
  #startBytes = 0;

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** `1.2 GB of 4.1 GB, 35 MB/s, 82 s left`. */
  describe(progress: ModelProgress): string {
    const { bytesDone, bytesTotal } = progress;
    if (stretchOf(progress) !== this.#stretch) {
      this.#stretch = stretchOf(progress);
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

/** A bar's worth of work: the descriptions of a model are one download, its weights the next. */
function stretchOf({ phase, bytesTotal }: ModelProgress): string {
  return `${phase} ${bytesTotal}`;
}

function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

function barDisplay(stream: NodeJS.WriteStream, clock: () => number): ProgressDisplay {
  const rate = new Rate(clock);
  let bar: SingleBar | undefined;
  let stretch: string | undefined;
  const stop = () => {
    bar?.stop();
    bar = undefined;
    stretch = undefined;
  };
  return {
    stop,
    onProgress(progress) {
      if (stretchOf(progress) !== stretch) {
        stop();
        stretch = stretchOf(progress);
        const format = `${verbs[progress.phase]} [{bar}] {percentage}% {text}`;
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
  let stretch: string | undefined;
  let loggedAt = 0;
  return {
    stop: () => {},
    onProgress(progress) {
      const text = rate.describe(progress);
      const isDue = stretchOf(progress) !== stretch || clock() - loggedAt >= intervalMs;
      if (!isDue) return;
      stretch = stretchOf(progress);
      loggedAt = clock();
      log([verbs[progress.phase], text].filter((part) => part !== "").join(": "));
    },
  };
}
