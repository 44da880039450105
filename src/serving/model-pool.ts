import type { Clock } from "../platform/clock.ts";
import type { FieldsLog } from "../platform/log.ts";
import { ModelMemory } from "./model-memory.ts";
import { ModelPlace } from "./model-place.ts";
import { busy, changing, notLoaded, shuttingDown, unavailable } from "./pool-refusals.ts";
import type { MemoryMeter, PooledModel } from "./pooled-model.ts";
import { Turns } from "./turns.ts";

export interface ModelPoolOptions<M> {
  readonly models: readonly M[];
  readonly memory: MemoryMeter;
  /** Longest wait for a turn in memory; the time that loading takes is not part of it. */
  readonly maxWaitMs: number;
  /** Requests that may wait for models to be loaded. */
  readonly maxWaiting: number;
  readonly clock: Clock;
  readonly log: Pick<FieldsLog, "info" | "warn">;
}

/** A model, held in memory until the lease is disposed of. */
export interface Lease<M> extends Disposable {
  readonly model: M;
}

export interface LeaseOptions {
  readonly signal: AbortSignal;
  /** Overrides how long the model stays after its last request. */
  readonly keepAliveMs?: number | undefined;
}

const FIRST_RETRY_MS = 5_000;
const LONGEST_RETRY_MS = 300_000;

/**
 * Which models are in memory. A request leases its model; one that is not there is loaded, by unloading others where
 * they are idle. All requests for a model are served by one load, and no model waits for ever while others are in use.
 */
export class ModelPool<M extends PooledModel> {
  readonly #options: ModelPoolOptions<M>;
  readonly #places: readonly ModelPlace<M>[];
  readonly #memory: ModelMemory<M>;
  readonly #turns: Turns<M>;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: ModelPoolOptions<M>) {
    this.#options = options;
    this.#places = options.models.map((model) => new ModelPlace(model, options.clock));
    this.#memory = new ModelMemory(options.memory, this.#places);
    this.#turns = new Turns(this.#places, this.#memory, options.maxWaitMs, options.clock);
  }

  /** Loads what is pinned; requests for it are refused meanwhile. Rejects with the first failure. */
  async start(): Promise<void> {
    const starting = this.#places.filter(({ isPinned }) => isPinned);
    await Promise.all(
      starting.map(async (place) => {
        const loading = this.load(place.model);
        place.isStarting = true;
        await loading.finally(() => {
          place.isStarting = false;
        });
      }),
    );
  }

  /** Where `model` is; its times are on this clock. */
  placeOf(
    model: M,
  ): Readonly<Pick<ModelPlace<M>, "state" | "isPinned" | "leases" | "loadedAt" | "expiresAt">> {
    return this.#placeOf(model);
  }

  isPinned(model: M): boolean {
    return this.#placeOf(model).isPinned;
  }

  /**
   * Holds `model` in memory; waits while it is loaded.
   * @throws UnavailableError `model_busy`, `model_unavailable`; ApiError `conflict` where it may not take others' place
   */
  async lease(model: M, { signal, keepAliveMs }: LeaseOptions): Promise<Lease<M>> {
    const place = this.#placeOf(model);
    // Its engine has given up permanently: a new one may work, and says why where it does not.
    if (place.state === "in" && model.isBroken) await this.#leave(place, 0).then(() => this.#advance());
    if (place.state !== "in" || this.#turns.isHeldBack(place)) await this.#wait(place, signal, keepAliveMs);
    else this.#hold(place, keepAliveMs);
    let isHeld = true;
    return {
      model,
      [Symbol.dispose]: () => {
        if (!isHeld) return;
        isHeld = false;
        place.leases--;
        place.lastUsedAt = this.#options.clock();
        this.#advance();
      },
    };
  }

  /** Loads `model` without using it. */
  async load(model: M, signal = new AbortController().signal): Promise<void> {
    using _ = await this.lease(model, { signal });
  }

  /** Unloads `model`, whose running requests get `drainMs` to finish. @throws ApiError `conflict` while it loads */
  async unload(model: M, drainMs: number): Promise<void> {
    const place = this.#placeOf(model);
    if (place.state === "out" || place.state === "failed") return;
    if (place.state !== "in") throw changing(model.name, place.state);
    await this.#leave(place, drainMs);
    this.#advance();
  }

  /** A pinned model is never unloaded to make room. */
  pin(model: M, isPinned: boolean): void {
    this.#placeOf(model).isPinned = isPinned;
    this.#advance();
  }

  /** Unloads everything. */
  async close(drainMs: number): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    const error = shuttingDown();
    for (const place of this.#places) {
      place.waiting.dismiss(error);
      place.giveUp?.abort(error);
    }
    await Promise.all(this.#places.map(({ model }) => model.close(drainMs)));
  }

  #placeOf(model: M): ModelPlace<M> {
    const place = this.#places.find((candidate) => candidate.model === model);
    if (place === undefined) throw new Error(`${model.name} is not in this pool`);
    return place;
  }

  #hold(place: ModelPlace<M>, keepAliveMs: number | undefined): void {
    place.leases++;
    place.keepAliveMs = keepAliveMs ?? place.model.policy.keepAliveMs;
    place.used(this.#options.clock());
  }

  /** Resolves when the model is held. */
  async #wait(place: ModelPlace<M>, signal: AbortSignal, keepAliveMs: number | undefined): Promise<void> {
    this.#refuseWaiting(place);
    const onLeft = (error: Error) => {
      // A load that requests no longer wait for is worth finishing only when most of it is done.
      if (place.waiting.size === 0 && !place.isPinned && place.model.progress < 0.5)
        place.giveUp?.abort(error);
      this.#advance();
    };
    const waiting = place.waiting.wait({ signal, keepAliveMs, onLeft });
    if (place.state === "in" || place.state === "queued" || place.state === "leaving") this.#awaitTurn(place);
    this.#advance();
    await waiting;
  }

  #awaitTurn(place: ModelPlace<M>): void {
    const { maxWaitMs } = this.#options;
    place.waiting.awaitTurn(maxWaitMs, () => busy(place.model.name, this.#loaded, maxWaitMs));
  }

  /** @throws what makes waiting pointless */
  #refuseWaiting(place: ModelPlace<M>): void {
    const { clock, maxWaiting } = this.#options;
    if (this.#isClosed) throw shuttingDown();
    if (place.isStarting) throw place.model.refusal;
    if (place.state === "failed" && place.failure !== undefined) {
      const left = place.failure.retryAt - clock();
      if (left > 0) throw unavailable(place.failure.message, left);
      place.state = "out";
    }
    const waiting = this.#places.reduce((sum, other) => sum + other.waiting.size, 0);
    if (waiting >= maxWaiting) throw busy(place.model.name, this.#loaded, this.#options.maxWaitMs);
  }

  get #loaded(): readonly string[] {
    return this.#places.filter(({ state }) => state === "in").map(({ model }) => model.name);
  }

  /** Does what can be done now; called whenever something has changed. */
  #advance(): void {
    if (this.#isClosed) return;
    for (const place of this.#places) {
      if (place.waiting.size === 0) continue;
      if (place.state === "in" && !this.#turns.isHeldBack(place)) this.#serve(place);
      else if (place.state === "out") void this.#prepare(place);
    }
    this.#startNext();
    this.#unloadExpired();
    this.#scheduleTimer();
  }

  /** All that wait for it, by the one load. */
  #serve(place: ModelPlace<M>): void {
    place.waiting.letIn((keepAliveMs) => this.#hold(place, keepAliveMs));
  }

  async #prepare(place: ModelPlace<M>): Promise<void> {
    place.state = "preparing";
    place.giveUp = new AbortController();
    try {
      await place.model.prepare(place.giveUp.signal);
      place.state = place.waiting.size > 0 ? "queued" : "out";
      this.#awaitTurn(place);
    } catch (error) {
      if (place.giveUp.signal.aborted) place.state = "out";
      else this.#failed(place, error as Error);
    }
    this.#advance();
  }

  /** Begins to load the model whose turn it is, where there is room or can be made: one after the other, since they share a disk. */
  #startNext(): void {
    if (this.#places.some(({ state }) => state === "loading" || state === "leaving")) return;
    const now = this.#options.clock();
    for (const place of this.#turns.inOrder) {
      if (place.waiting.size === 0) {
        place.state = "out";
        continue;
      }
      const victims = this.#memory.victims(place, now);
      const canEver = this.#memory.inTheWayOf(place, now) !== undefined;
      if (!canEver) this.#failed(place, new Error(this.#memory.doesNotFit(place)), 0);
      else if (this.#memory.missingBytes(place) > 0 && !place.model.policy.maySwap) this.#refuseSwap(place);
      else if (victims !== undefined) {
        void this.#swap(place, victims);
        return;
      } else if (this.#turns.isAged(place)) return; // Nothing smaller may overtake it now.
    }
  }

  async #swap(place: ModelPlace<M>, victims: readonly ModelPlace<M>[]): Promise<void> {
    const { clock, log } = this.#options;
    place.state = "loading";
    place.waiting.turnHasCome();
    for (const victim of victims) {
      log.info({ model: victim.model.name, for: place.model.name }, "unloading a model to make room");
      await this.#leave(victim, 0);
    }
    place.giveUp = new AbortController();
    const startedAt = clock();
    try {
      if (place.waiting.size > 0 || place.isPinned) await place.model.load(place.giveUp.signal);
      if (this.#isClosed) return;
      const now = clock();
      place.state = "in";
      place.failure = undefined;
      place.loadedAt = now;
      place.lastUsedAt = now;
      place.reloadMs = Math.max(1, now - startedAt);
      this.#serve(place);
    } catch (error) {
      if (place.giveUp.signal.aborted) place.state = "out";
      else this.#failed(place, error as Error);
    }
    place.giveUp = undefined;
    this.#advance();
  }

  async #leave(place: ModelPlace<M>, drainMs: number): Promise<void> {
    place.state = "leaving";
    await place.model.unload(drainMs);
    place.state = "out";
  }

  #unloadExpired(): void {
    const now = this.#options.clock();
    for (const place of this.#places) {
      if (!place.isIdle || place.waiting.size > 0) continue;
      if (now < place.expiresAt && !place.model.isBroken) continue;
      void this.#leave(place, 0).then(() => this.#advance());
    }
  }

  /** The error is the answer to requests until it is worth another try. */
  #failed(place: ModelPlace<M>, error: Error, retryMs?: number): void {
    const times = (place.failure?.times ?? 0) + 1;
    const pauseMs = retryMs ?? Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (times - 1));
    place.state = "failed";
    place.failure = { message: error.message, retryAt: this.#options.clock() + pauseMs, times };
    this.#options.log.warn({ model: place.model.name }, `model not loaded: ${error.message}`);
    place.waiting.dismiss(unavailable(error.message, pauseMs));
  }

  #refuseSwap(place: ModelPlace<M>): void {
    place.state = "out";
    place.waiting.dismiss(notLoaded(place.model.name, this.#loaded));
  }

  /** For what happens by time alone: a model's turn, the end of its keep-alive. */
  #scheduleTimer(): void {
    clearTimeout(this.#timer);
    const now = this.#options.clock();
    const moments = this.#places.flatMap((place) => [
      ...(place.isIdle ? [place.expiresAt, place.keepUntil] : []),
      ...(place.state === "queued" ? [this.#turns.agedAt(place)] : []),
    ]);
    const next = Math.min(...moments.filter((moment) => moment > now));
    if (!Number.isFinite(next)) return;
    this.#timer = setTimeout(() => this.#advance(), Math.min(next - now, 2 ** 31 - 1));
    this.#timer.unref();
  }
}
