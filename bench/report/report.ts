import type { Figures } from "./summary.ts";

/** One load on one server. */
export interface Measurement {
  /** What was asked for, such as `C=20`. */
  readonly case: string;
  /** Which server, and how it was set where that is what the scenario compares. */
  readonly side: string;
  /** From 1. */
  readonly round: number;
  readonly figures: Figures;
  readonly failures: Readonly<Record<string, number>>;
}

/** A bar that the project set itself, and whether it was met. */
export interface Check {
  readonly what: string;
  readonly measured: string;
  readonly bar: string;
  readonly isMet: boolean;
}

export interface Line {
  readonly label: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Chart {
  readonly name: string;
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly lines: readonly Line[];
}

/** What a scenario found; everything in the written files comes from this. */
export interface ScenarioReport {
  readonly measurements: readonly Measurement[];
  readonly checks: readonly Check[];
  readonly charts: readonly Chart[];
  readonly notes: readonly string[];
}

/** Where and on what a report was made. */
export interface RunHeader {
  readonly scenario: string;
  readonly startedAt: string;
  readonly model: string;
  readonly seed: number;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGib: number;
  readonly node: string;
  readonly commit: string;
  readonly arguments: readonly string[];
}
