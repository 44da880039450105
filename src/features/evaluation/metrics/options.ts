import { InvalidRequestError } from "../../../errors.ts";
import type { MetricTools } from "./metric.ts";
import { type MetricName, scoreMetric } from "./registry.ts";

/** A metric's error, with its option by the path in the request; the reference has a field of its own. */
export function inField(metric: MetricName, error: unknown): unknown {
  if (!(error instanceof InvalidRequestError) || error.param === undefined || error.param === "reference")
    return error;
  const { message, details, param } = error;
  return new InvalidRequestError(message, {
    param: `metrics.${metric}.${param}`,
    ...(details !== undefined && { details }),
    cause: error,
  });
}

/** Options that are a program of their own: what they say may not parse. */
const programs = { regex: "pattern", json_schema: "schema" } as const satisfies Partial<
  Record<MetricName, string>
>;

/** Tries patterns and schemas before there is a response. @throws InvalidRequestError that names the one that can't be used */
export async function requireUsable(
  asked: Readonly<Partial<Record<MetricName, object>>>,
  tools: MetricTools,
): Promise<void> {
  for (const metric of Object.keys(programs) as Array<keyof typeof programs>) {
    const options = { ...asked[metric] };
    // One that the records bring themselves is not known yet.
    if (!(programs[metric] in options)) continue;
    const input = { response: "null", reference: undefined, options };
    await scoreMetric(metric, input, tools).catch((error: unknown) => {
      throw inField(metric, error);
    });
  }
}
