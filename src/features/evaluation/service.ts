import type { RequestContext } from "../../telemetry/request-context.ts";
import type { Judge } from "./judge.ts";
import type { MetricTools } from "./metrics/metric.ts";
import { inField } from "./metrics/options.ts";
import { type MetricName, scoreMetric } from "./metrics/registry.ts";
import type { EvaluateBody, EvaluateResponse } from "./schema.ts";

/** Evaluates one response: by the judge, and by reference metrics where they are asked for. */
export class EvaluationService {
  readonly #judge: Judge;
  readonly #tools: MetricTools;

  constructor(judge: Judge, tools: MetricTools) {
    this.#judge = judge;
    this.#tools = tools;
  }

  /** @throws InvalidRequestError for metrics that can't be computed, before the judge is asked; what the judge throws */
  async evaluate(
    { prompt, response, reference, criteria = ["overall"], metrics }: EvaluateBody,
    context: RequestContext,
  ): Promise<EvaluateResponse> {
    const measured = metrics && (await this.#measure(metrics, response, reference, context.signal));
    const judgements = await this.#judge.evaluate({ prompt, response, reference, criteria }, context);
    return {
      request_id: context.requestId,
      ...judgements,
      ...(measured !== undefined && { metrics: measured }),
    };
  }

  async #measure(
    metrics: NonNullable<EvaluateBody["metrics"]>,
    response: string,
    reference: string | undefined,
    signal: AbortSignal,
  ): Promise<NonNullable<EvaluateResponse["metrics"]>> {
    const asked = Object.entries(metrics) as Array<[MetricName, Readonly<Record<string, unknown>>]>;
    const measured = asked.map(async ([name, options]) => {
      const scored = scoreMetric(name, { response, reference, options }, { ...this.#tools, signal });
      return [name, await scored.catch((error: unknown) => Promise.reject(inField(name, error)))] as const;
    });
    return Object.fromEntries(await Promise.all(measured));
  }
}
