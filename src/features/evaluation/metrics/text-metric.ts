import type { MetricResult, MetricTools } from "./metric.ts";

/** Characters of both texts together that are measured at once: a few milliseconds. Longer ones go to a thread. */
const LONG_TEXTS = 8_000;

interface Texts<Options extends object> {
  readonly response: string;
  readonly reference: string;
  readonly options: Options;
}

/** Measures two texts here when they are short, and in a sandbox's thread when that would hold up other requests. */
export function scoreText<Options extends object>(
  metric: "chrf" | "rouge_l",
  score: (response: string, reference: string, options: Options) => Promise<MetricResult>,
  { response, reference, options }: Texts<Options>,
  { sandbox, signal }: MetricTools,
): Promise<MetricResult> {
  if (response.length + reference.length <= LONG_TEXTS) return score(response, reference, options);
  return sandbox.run({ type: "text_metric", metric, response, reference, options }, signal);
}
