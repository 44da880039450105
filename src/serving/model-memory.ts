import type { ModelPlace } from "./model-place.ts";
import type { MemoryMeter, PooledModel } from "./pooled-model.ts";
import { chooseVictims } from "./victim.ts";

/** What fits into the memory that models share, beside which others. */
export class ModelMemory<M extends PooledModel> {
  readonly #meter: MemoryMeter;
  readonly #places: readonly ModelPlace<M>[];

  constructor(meter: MemoryMeter, places: readonly ModelPlace<M>[]) {
    this.#meter = meter;
    this.#places = places;
  }

  /** Bytes that must be made free before `place` can be loaded; 0 or less when it fits as it is. */
  missingBytes(place: ModelPlace<M>): number {
    const taken = this.#places.reduce((sum, { bytes }) => sum + bytes, 0);
    return (place.model.bytesNeeded ?? 0) - Math.min(this.#meter.budget - taken, this.#meter.available());
  }

  /** What to unload for `place` now; undefined while too much is in use. */
  victims(place: ModelPlace<M>, now: number): readonly ModelPlace<M>[] | undefined {
    return chooseVictims(this.#places, this.missingBytes(place), now);
  }

  /** Models that must be left alone for `place`; undefined when it does not fit even then. */
  inTheWayOf(place: ModelPlace<M>, now: number): readonly M[] | undefined {
    const victims = chooseVictims(this.#places.map(asIfIdle), this.missingBytes(place), now);
    return victims?.map(({ model }) => model);
  }

  /** Why `place` can't be loaded at all. */
  doesNotFit(place: ModelPlace<M>): string {
    const mib = (bytes: number) => `${Math.ceil(bytes / 2 ** 20)} MiB`;
    const pinned = this.#places.filter((other) => other.isPinned && other.bytes > 0);
    const beside = pinned.length > 0 ? ` beside ${pinned.map(({ model }) => model.name).join(", ")}` : "";
    return `The model ${place.model.name} takes ${mib(place.model.bytesNeeded ?? 0)}, which does not fit${beside}: ${mib(Math.max(0, this.#meter.available()))} of memory is available, and models may take ${mib(this.#meter.budget)} together.`;
  }
}

/** A place as it will be once it is left alone. */
function asIfIdle<M extends PooledModel>(place: ModelPlace<M>) {
  const { model, bytes, isPinned, expiresAt, reloadMs, recentUses } = place;
  const isIdle = place.state === "in" || place.state === "leaving" || place.state === "loading";
  return { model, bytes, isPinned, isIdle, keepUntil: 0, expiresAt, reloadMs, recentUses };
}
