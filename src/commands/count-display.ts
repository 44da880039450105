import { Presets, SingleBar } from "cli-progress";

/** How often a line is written where no bar can be shown. */
const LINE_INTERVAL_MS = 5_000;

export interface CountDisplayOptions {
  /** Where the bar is drawn, when it is a terminal, or the lines are written. */
  readonly stream: NodeJS.WriteStream;
  /** What is being done, before the bar: `Evaluating`. */
  readonly title: string;
  /** What is counted: `records`. */
  readonly unit: string;
  /** Milliseconds; `performance.now` unless given. */
  readonly clock?: () => number;
}

export interface CountDisplay {
  /** `state` is shown in lines only; `remarks` follow the count. */
  show(done: number, total: number, words?: { readonly state?: string; readonly remarks?: string }): void;
  /** Ends the bar; what is printed next starts on a new line. */
  stop(): void;
}

/** How many of how many are done: a bar on a terminal, a line every few seconds elsewhere. */
export function countDisplay(options: CountDisplayOptions): CountDisplay {
  return options.stream.isTTY ? barDisplay(options) : lineDisplay(options);
}

function barDisplay({ stream, title, unit }: CountDisplayOptions): CountDisplay {
  const format = `${title} [{bar}] {percentage}% {value} of {total} ${unit}{remarks}`;
  const bar = new SingleBar(
    { stream, format, hideCursor: true, clearOnComplete: false },
    Presets.shades_classic,
  );
  let isStarted = false;
  return {
    show(done, total, { remarks = "" } = {}) {
      if (isStarted) bar.update(done, { remarks });
      else bar.start(total, done, { remarks });
      isStarted = true;
    },
    stop() {
      if (isStarted) bar.stop();
    },
  };
}

function lineDisplay({
  stream,
  title,
  unit,
  clock = () => performance.now(),
}: CountDisplayOptions): CountDisplay {
  let writtenAt = Number.NEGATIVE_INFINITY;
  return {
    show(done, total, { state = title, remarks = "" } = {}) {
      if (clock() - writtenAt < LINE_INTERVAL_MS) return;
      writtenAt = clock();
      stream.write(`${state}: ${done} of ${total} ${unit}${remarks}\n`);
    },
    stop: () => {},
  };
}
