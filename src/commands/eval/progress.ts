import { type CountDisplay, countDisplay } from "../count-display.ts";
import type { ProgressView } from "./client.ts";

export interface RunDisplay extends Pick<CountDisplay, "stop"> {
  show(progress: ProgressView): void;
}

/** Shows how far a run is. */
export function runDisplay(stream: NodeJS.WriteStream): RunDisplay {
  const display = countDisplay({ stream, title: "Evaluating", unit: "records" });
  return {
    stop: () => display.stop(),
    show: (view) =>
      display.show(view.progress.completed + view.progress.failed, view.progress.total, {
        state: view.status,
        remarks: remarks(view),
      }),
  };
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
