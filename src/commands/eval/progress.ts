import { Presets, SingleBar } from "cli-progress";
import type { ProgressView } from "./client.ts";

/** How often a line is written where there is no bar. */
const LINE_INTERVAL_MS = 5_000;

export interface RunDisplay {
  show(progress: ProgressView): void;
  /** Ends the bar, so that what is printed next starts on a line of its own. */
  stop(): void;
}

/** A bar on a terminal, a line every few seconds elsewhere. */
export function runDisplay(
  stream: NodeJS.WriteStream,
  clock: () => number = () => performance.now(),
): RunDisplay {
  return stream.isTTY ? barDisplay(stream) : lineDisplay(stream, clock);
}

function barDisplay(stream: NodeJS.WriteStream): RunDisplay {
  const format = "Evaluating [{bar}] {percentage}% {value} of {total} records{text}";
  const bar = new SingleBar(
    { stream, format, hideCursor: true, clearOnComplete: false },
    Presets.shades_classic,
  );
  let isStarted = false;
  return {
    show(view) {
      const done = doneOf(view);
      const payload = { text: remarks(view) };
      if (isStarted) bar.update(done, payload);
      else bar.start(view.progress.total, done, payload);
      isStarted = true;
    },
    stop() {
      if (isStarted) bar.stop();
    },
  };
}

function lineDisplay(stream: NodeJS.WriteStream, clock: () => number): RunDisplay {
  let writtenAt = Number.NEGATIVE_INFINITY;
  return {
    show(view) {
      if (clock() - writtenAt < LINE_INTERVAL_MS) return;
      writtenAt = clock();
      stream.write(`${view.status}: ${doneOf(view)} of ${view.progress.total} records${remarks(view)}\n`);
    },
    stop: () => {},
  };
}

function doneOf({ progress }: ProgressView): number {
  return progress.completed + progress.failed;
}

function remarks({ progress, eta_seconds: eta }: ProgressView): string {
  const failed = progress.failed > 0 ? `, ${progress.failed} failed` : "";
  const left = eta !== null && eta > 0 ? `, ${duration(eta)} left` : "";
  return failed + left;
}

function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
