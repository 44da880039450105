import type { MetricTools } from "../../../src/evaluation/metrics/metric.ts";
import { Sandbox } from "../../../src/evaluation/sandbox/sandbox.ts";

/** For metrics that only look at two texts: using an embedder is an error. */
export const noTools: MetricTools = {
  sandbox: new Sandbox(),
  get embedder(): never {
    throw new Error("this metric has no business with embeddings");
  },
};
