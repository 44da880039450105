import type { Static, TObject } from "typebox";
import type { Embedder } from "../../../inference/embedder.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";
import type { MetricResult } from "./metric-result.ts";

export type { MetricResult } from "./metric-result.ts";

/** What some metrics work with. */
export interface MetricTools {
  /** Runs patterns and schemas that users wrote, within a time limit. */
  readonly sandbox: Sandbox;
  readonly embedder: Embedder;
  readonly signal?: AbortSignal;
}

export interface Metric<Options extends TObject = TObject> {
  readonly summary: string;
  /** False for metrics that look at the response alone, with what they expect in their options. */
  readonly needsReference: boolean;
  readonly options: Options;
  /**
   * Measures `response` against `reference` (empty where none is needed).
   * @throws InvalidRequestError for options that can't be used, naming the option
   */
  score(
    response: string,
    reference: string,
    options: Static<Options>,
    tools: MetricTools,
  ): MetricResult | Promise<MetricResult>;
}
