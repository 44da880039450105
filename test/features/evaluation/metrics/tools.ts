import type { MetricTools } from "../../../../src/features/evaluation/metrics/metric.ts";
import { Sandbox } from "../../../../src/features/evaluation/sandbox/sandbox.ts";

/** For metrics that only look at two texts: using an embedder is an error. */
export const noTools: MetricTools = {
  sandbox: new Sandbox(),
  get embedder(): never {
    throw new Error("this metric has no business with embeddings");
  },
};
