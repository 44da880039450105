import type { Logger } from "pino";
import type { LedgerRow } from "../ledger/row.ts";
import { type Span, spansOf } from "./spans.ts";
import type { TraceContext } from "./trace-context.ts";

/** Values of OTEL_BSP_* when they are not set: time between two exports, spans of one, and spans that may wait. */
const EXPORT_INTERVAL_MS = 5_000;
const BATCH_SPANS = 512;
const QUEUE_SPANS = 2_048;
const EXPORT_TIMEOUT_MS = 10_000;

export interface ExporterOptions {
  /** Of a collector that takes OTLP over HTTP; `/v1/traces` is added. */
  readonly endpoint: string;
  /** Sent with every export: `api-key=…`. */
  readonly headers: ReadonlyMap<string, string>;
  readonly serviceName: string;
  readonly version: string;
  readonly log: Pick<Logger, "warn">;
}

/**
 * Sends spans of finished requests to a collector, in JSON. What a collector does not take is dropped: no request waits
 * for one, and a collector that is away must not fill the memory.
 */
export class SpanExporter {
  readonly #options: ExporterOptions;
  readonly #url: string;
  readonly #timer: NodeJS.Timeout;
  #waiting: Span[] = [];
  #exporting: Promise<void> = Promise.resolve();
  #hasFailed = false;

  constructor(options: ExporterOptions) {
    this.#options = options;
    this.#url = `${options.endpoint.replace(/\/+$/, "")}/v1/traces`;
    this.#timer = setInterval(() => this.#flush(), EXPORT_INTERVAL_MS).unref();
  }

  record(row: LedgerRow, parent: TraceContext | undefined): void {
    if (parent?.isSampled === false || this.#waiting.length >= QUEUE_SPANS) return;
    this.#waiting.push(...spansOf(row, parent));
    if (this.#waiting.length >= BATCH_SPANS) this.#flush();
  }

  /** Sends what is left. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#flush();
    await this.#exporting;
  }

  #flush(): void {
    const spans = this.#waiting;
    if (spans.length === 0) return;
    this.#waiting = [];
    this.#exporting = this.#exporting.then(() => this.#export(spans));
  }

  async #export(spans: readonly Span[]): Promise<void> {
    try {
      const response = await fetch(this.#url, {
        method: "POST",
        headers: { "content-type": "application/json", ...Object.fromEntries(this.#options.headers) },
        body: JSON.stringify(this.#request(spans)),
        signal: AbortSignal.timeout(EXPORT_TIMEOUT_MS),
      });
      await response.arrayBuffer();
      if (!response.ok) throw new Error(`it answered ${response.status}`);
      this.#hasFailed = false;
    } catch (error) {
      // Once until it works again, and not at every attempt.
      if (!this.#hasFailed)
        this.#options.log.warn({ err: error }, `spans can't be exported to ${new URL(this.#url).host}`);
      this.#hasFailed = true;
    }
  }

  #request(spans: readonly Span[]): object {
    const { serviceName, version } = this.#options;
    const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
    return {
      resourceSpans: [
        {
          resource: {
            attributes: [text("service.name", serviceName), text("service.version", version)],
          },
          scopeSpans: [{ scope: { name: "llm-server", version }, spans }],
        },
      ],
    };
  }
}
