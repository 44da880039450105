import type { PooledModel } from "./pooled-model.ts";
import type { Resident } from "./victim.ts";

/** Where a model is: out of memory, on its way, or in it. */
export type PlaceState = "out" | "preparing" | "queued" | "loading" | "in" | "leaving" | "failed";

/** Time in which a use counts half. */
const USES_HALF_LIFE_MS = 600_000;

/** One model's place in the pool: where it is, who uses it, who waits for it. */
export class ModelPlace<M extends PooledModel> implements Resident {
  readonly model: M;
  readonly waiting: Waiter[] = [];
  state: PlaceState = "out";
  /** Loaded because the server starts, which its requests don't wait for. */
  isStarting = false;
  failure: { readonly message: string; readonly retryAt: number; readonly times: number } | undefined;
  leases = 0;
  isPinned: boolean;
  keepAliveMs: number;
  loadedAt = 0;
  reloadMs = 1;
  lastUsedAt = 0;
  /** Gives up what is being loaded. */
  giveUp: AbortController | undefined;
  #uses = 0;

  constructor(model: M) {
    this.model = model;
    this.isPinned = model.policy.isPinned;
    this.keepAliveMs = model.policy.keepAliveMs;
  }

  /** Bytes that are its own now, or will be in a moment. */
  get bytes(): number {
    return this.state === "in" || this.state === "loading" || this.state === "leaving"
      ? (this.model.bytesNeeded ?? 0)
      : 0;
  }

  get isIdle(): boolean {
    return this.state === "in" && this.leases === 0;
  }

  get keepUntil(): number {
    return this.loadedAt + this.model.policy.minLoadedMs;
  }

  get expiresAt(): number {
    return this.isPinned || this.leases > 0 ? Infinity : this.lastUsedAt + this.keepAliveMs;
  }

  get recentUses(): number {
    return this.#uses;
  }

  used(now: number): void {
    this.#uses = this.#uses * 0.5 ** ((now - this.lastUsedAt) / USES_HALF_LIFE_MS) + 1;
    this.lastUsedAt = now;
  }

  /** Since when the oldest of those who wait has waited for its turn; `Infinity` when nobody waits. */
  get waitingSince(): number {
    return Math.min(Infinity, ...this.waiting.map(({ since }) => since));
  }
}

/** A request that waits for a model. */
export interface Waiter {
  /** Since when it has waited for its turn: from the moment that the model's file is there. */
  since: number;
  readonly keepAliveMs: number | undefined;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
  /** Ends the wait for a turn; loading is not part of it. */
  turnTimer: NodeJS.Timeout | undefined;
  /** Ends the wait with an error. */
  readonly leave: (error: Error) => void;
}
