import { API_KEY } from "./launches.ts";

/** One reading of our server's metrics. */
export class MetricsReading {
  readonly #lines: readonly string[];

  constructor(text: string) {
    this.#lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  }

  /** Summed over the series whose labels hold all of `labels`; undefined when there is none. */
  sum(name: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
    const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
    const values = this.#lines
      .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
      .filter((line) => wanted.every((label) => line.includes(label)))
      .map((line) => Number(line.slice(line.lastIndexOf(" ") + 1)));
    return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0);
  }
}

export async function readMetrics(url: string): Promise<MetricsReading> {
  const response = await fetch(`${url}/v1/metrics`, { headers: { "x-api-key": API_KEY } });
  return new MetricsReading(await response.text());
}
