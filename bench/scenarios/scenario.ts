import type { ScenarioReport } from "../report/report.ts";
import type { BenchContext } from "./bench-context.ts";

/** A question that the benchmark answers. */
export interface Scenario {
  readonly summary: string;
  readonly defaultModel: string;
  run(context: BenchContext): Promise<ScenarioReport>;
}
