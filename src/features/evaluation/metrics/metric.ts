import type { Static, TObject } from "typebox";
import type { Embedder } from "../../../inference/embedder.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";

/** How good a response is by one measure. */
export interface MetricResult {
  /** 0 (nothing right) to 1 (all right). */
  readonly value: number;
  /** What the value was made of: `precision`, `recall`, the numbers compared, why it is 0. */
  readonly details: Readonly<Record<string, unknown>>;
}

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
