/** How a model shares the machine with others. */
export interface ModelPolicy {
  /** Loaded when the server starts, and never unloaded to make room. */
  readonly isPinned: boolean;
  /** Unloaded after this much time without a request; `Infinity`: only when another model needs the memory. */
  readonly keepAliveMs: number;
  /** Stays at least this long once it is loaded. */
  readonly minLoadedMs: number;
  /** Whether other models may be unloaded for it. */
  readonly maySwap: boolean;
  /** Of two models that wait to be loaded the one with the higher number goes first. */
  readonly priority: number;
}

/** What the pool needs of a model to give it its place in memory. */
export interface PooledModel {
  readonly name: string;
  readonly policy: ModelPolicy;
  /** Bytes that it takes when it is loaded: measured where it has been before, else estimated. Undefined before `prepare`. */
  readonly bytesNeeded: number | undefined;
  /** 0 to 1, while it is prepared and loaded. */
  readonly progress: number;
  /** It was loaded, and its engine has failed in a way that it does not recover from. */
  readonly isBroken: boolean;
  /** Why a request can't be taken now, as its client is told. */
  readonly refusal: Error;
  /** Finds the model's file, downloading and converting it where needed. Takes no memory. @throws Error that says why it can't be had */
  prepare(signal: AbortSignal): Promise<void>;
  /** Resolves once it serves. `signal` gives up. @throws Error that says why it can't be loaded */
  load(signal: AbortSignal): Promise<void>;
  /** Lets running requests finish for `drainMs`; its memory is free when this resolves. */
  unload(drainMs: number): Promise<void>;
  /** The same for the last time. */
  close(drainMs: number): Promise<void>;
}

/** Memory that models share, in bytes. */
export interface MemoryMeter {
  /** All models together. */
  readonly budget: number;
  /** What the machine can still give. */
  available(): number;
}
