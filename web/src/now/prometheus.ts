/** One line of Prometheus' text format. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** What a server counts, by name. */
export class Metrics {
  readonly #samples = new Map<string, Sample[]>();

  constructor(text: string) {
    for (const line of text.split("\n")) {
      const match = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
      if (match === null) continue;
      const [, name = "", labels = "", value = ""] = match;
      const samples = this.#samples.get(name) ?? [];
      samples.push({ labels: parseLabels(labels), value: toNumber(value) });
      this.#samples.set(name, samples);
    }
  }

  all(name: string): readonly Sample[] {
    return this.#samples.get(name) ?? [];
  }

  /** Summed over all labels; 0 where there is none. */
  sum(name: string): number {
    return this.all(name).reduce((sum, { value }) => sum + value, 0);
  }

  /** Counts up to each bound, over all labels. */
  buckets(name: string): ReadonlyMap<number, number> {
    const counts = new Map<number, number>();
    for (const { labels, value } of this.all(`${name}_bucket`)) {
      const bound = toNumber(labels["le"] ?? "");
      counts.set(bound, (counts.get(bound) ?? 0) + value);
    }
    return counts;
  }
}

function parseLabels(text: string): Readonly<Record<string, string>> {
  const pairs = [...text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)];
  return Object.fromEntries(pairs.map(([, name = "", value = ""]) => [name, unescaped(value)]));
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/g, (_, character: string) => (character === "n" ? "\n" : character));
}

function toNumber(text: string): number {
  return text === "+Inf" ? Number.POSITIVE_INFINITY : Number(text);
}

/**
 * The value below which a share of what was counted between two readings lies, between its bucket's bounds in proportion;
 * null where nothing was counted.
 */
export function quantile(
  before: ReadonlyMap<number, number>,
  after: ReadonlyMap<number, number>,
  share: number,
): number | null {
  const counts = [...after]
    .map(([bound, count]) => [bound, count - (before.get(bound) ?? 0)] as const)
    .toSorted(([a], [b]) => a - b);
  const total = counts.at(-1)?.[1] ?? 0;
  if (total === 0) return null;
  const rank = share * total;
  let [lowerBound, lowerCount] = [0, 0];
  for (const [bound, count] of counts) {
    if (count >= rank) {
      if (bound === Number.POSITIVE_INFINITY) return lowerBound;
      return lowerBound + ((bound - lowerBound) * (rank - lowerCount)) / Math.max(1, count - lowerCount);
    }
    [lowerBound, lowerCount] = [bound, count];
  }
  return lowerBound;
}
