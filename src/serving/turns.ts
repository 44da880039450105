import type { Clock } from "../platform/clock.ts";
import type { ModelMemory } from "./model-memory.ts";
import type { ModelPlace } from "./model-place.ts";
import type { PooledModel } from "./pooled-model.ts";

/** Share of the longest wait after which a waiting model takes its turn from those that are in use. */
const AGED_SHARE = 0.5;

/** Whose turn in memory is next, of the models that requests wait for. */
export class Turns<M extends PooledModel> {
  readonly #places: readonly ModelPlace<M>[];
  readonly #memory: ModelMemory<M>;
  readonly #agedMs: number;
  readonly #clock: Clock;

  /** `maxWaitMs`: longest wait for a turn. */
  constructor(places: readonly ModelPlace<M>[], memory: ModelMemory<M>, maxWaitMs: number, clock: Clock) {
    this.#places = places;
    this.#memory = memory;
    this.#agedMs = AGED_SHARE * maxWaitMs;
    this.#clock = clock;
  }

  /** Models that are ready to be loaded: by priority, then by how long they have waited. */
  get inOrder(): readonly ModelPlace<M>[] {
    return this.#places
      .filter(({ state }) => state === "queued")
      .toSorted(
        (a, b) => b.model.policy.priority - a.model.policy.priority || a.waiting.since - b.waiting.since,
      );
  }

  /** Whether a model has waited so long that smaller ones must no longer overtake it. */
  isAged(place: ModelPlace<M>): boolean {
    return this.#clock() - place.waiting.since >= this.#agedMs;
  }

  /** When a waiting model becomes aged. */
  agedAt(place: ModelPlace<M>): number {
    return place.waiting.since + this.#agedMs;
  }

  /** New requests for it wait, because a model that has waited long needs its memory next. */
  isHeldBack(place: ModelPlace<M>): boolean {
    if (place.isPinned) return false;
    return this.#places.some((other) => {
      if (other === place || other.state !== "queued" || !this.isAged(other)) return false;
      return this.#memory.inTheWayOf(other, Infinity)?.includes(place.model) === true;
    });
  }
}
