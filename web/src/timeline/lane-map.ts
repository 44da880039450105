import type { TimelineStep } from "../../../src/telemetry/steps/timeline.ts";

/** The rows of the picture: a KV sequence of a model each. Worked out once, because a frame looks at all shares of all steps. */
export class LaneMap {
  readonly names: readonly string[];
  /** Where the shares of each step begin in `#lanes`. */
  readonly #first: Uint32Array;
  readonly #lanes: Uint16Array;

  constructor(steps: readonly TimelineStep[]) {
    const shares = steps.reduce((sum, { sequences }) => sum + sequences.length, 0);
    this.#first = new Uint32Array(steps.length);
    this.#lanes = new Uint16Array(shares);
    const found = new Map<string, number>();
    let place = 0;
    for (const [index, { model, sequences }] of steps.entries()) {
      this.#first[index] = place;
      for (const { kv_sequence } of sequences) {
        const name = `${model} ${kv_sequence}`;
        const lane = found.get(name) ?? found.size;
        found.set(name, lane);
        this.#lanes[place++] = lane;
      }
    }
    this.names = [...found.keys()].toSorted((a, b) => a.localeCompare(b, "en", { numeric: true }));
    const order = new Map(this.names.map((name, index) => [name, index]));
    const sorted = [...found.keys()].map((name) => order.get(name) ?? 0);
    for (const [index, lane] of this.#lanes.entries()) this.#lanes[index] = sorted[lane] ?? 0;
  }

  /** The row of a step's share, by their places in the lists. */
  laneOf(step: number, share: number): number {
    return this.#lanes[(this.#first[step] ?? 0) + share] ?? 0;
  }
}
