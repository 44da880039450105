import type { Neighbour, TimelineStep } from "../../../src/telemetry/steps/timeline.ts";
import { call, failureOf } from "../api/client.ts";
import { stream } from "../api/live.svelte.ts";

interface Answer {
  readonly steps: readonly TimelineStep[];
  readonly neighbours?: readonly Neighbour[];
}

/** As many as one answer may have. */
const PAGE = 5000;
const FIRST = 1000;
/** What the server keeps, which is more than anybody looks at; the oldest are let go. */
const MOST = 65_536;
/** Times come rounded to this: a step may have begun a little before or after the one that is told. */
const ROUNDING_MS = 0.001;
const INTERVAL_MS = 1_000;

/** The engines' steps as far as they were asked for, the oldest first. */
export class Steps {
  all = $state.raw<readonly TimelineStep[] | null>(null);
  /** Of the request that was asked for: who shared its steps. */
  neighbours = $state.raw<readonly Neighbour[]>([]);
  error = $state.raw<unknown>(null);
  hasOlder = $state(false);

  /** The steps that come in, from the latest on. */
  follow(): () => void {
    return stream.follow({
      topic: "steps",
      intervalMs: INTERVAL_MS,
      take: () => this.#try(() => this.#loadNew()),
      failed: (error) => {
        this.error = error;
      },
    });
  }

  /** Everything that happened while a request had steps; what of it is its own, `neighbours` says. */
  async showRequest(request: string): Promise<void> {
    await this.#try(async () => {
      const own = await ask({ request, last: PAGE });
      this.neighbours = own.neighbours ?? [];
      const [first, last] = [own.steps[0], own.steps.at(-1)];
      const around =
        first === undefined || last === undefined
          ? own
          : await ask({ from: first.at_ms - ROUNDING_MS, until: last.at_ms + ROUNDING_MS, last: PAGE });
      this.all = around.steps;
      this.hasOlder = false;
    });
  }

  async loadOlder(): Promise<void> {
    const first = this.all?.[0];
    if (first === undefined) return;
    await this.#try(async () => {
      const { steps } = await ask({ until: first.at_ms + ROUNDING_MS, last: PAGE });
      const older = steps.filter(({ index }) => index < first.index);
      this.all = [...older, ...(this.all ?? [])].slice(-MOST);
      this.hasOlder = steps.length === PAGE && this.all.length < MOST;
    });
  }

  async #loadNew(): Promise<void> {
    const last = this.all?.at(-1);
    if (last === undefined) {
      const { steps } = await ask({ last: FIRST });
      this.all = steps;
      this.hasOlder = steps.length === FIRST;
      return;
    }
    const { steps } = await ask({ from: last.at_ms - ROUNDING_MS, last: PAGE });
    // A server that was started again counts from the beginning.
    if ((steps.at(-1)?.index ?? last.index) < last.index) {
      this.all = steps;
      this.hasOlder = false;
      return;
    }
    const newer = steps.filter(({ index }) => index > last.index);
    if (newer.length > 0) this.all = [...(this.all ?? []), ...newer].slice(-MOST);
  }

  /** Whether it succeeded. */
  async #try(work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      this.error = null;
    } catch (thrown) {
      this.error = failureOf(thrown);
    }
    return this.error === null;
  }
}

function ask(query: Readonly<Record<string, string | number>>): Promise<Answer> {
  const parameters = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]));
  return call<Answer>(`/v1/timeline?${parameters}`);
}
