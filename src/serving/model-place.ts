import type { Clock } from "../platform/clock.ts";
import type { PooledModel } from "./pooled-model.ts";
import type { Resident } from "./victim.ts";
import { WaitingRoom } from "./waiting-room.ts";

/** Where a model is: out of memory, on its way, or in it. */
export type PlaceState = "out" | "preparing" | "queued" | "loading" | "in" | "leaving" | "failed";

/** Time in which a use counts half. */
const USES_HALF_LIFE_MS = 600_000;

/** One model's place in the pool: where it is, who uses it, who waits for it. */
export class ModelPlace<M extends PooledModel> implements Resident {
  readonly model: M;
  readonly waiting: WaitingRoom;
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

  constructor(model: M, clock: Clock) {
    this.model = model;
    this.waiting = new WaitingRoom(clock);
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
}
