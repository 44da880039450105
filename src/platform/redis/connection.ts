import { setTimeout as sleep } from "node:timers/promises";
import { type Clock, monotonicMs } from "../clock.ts";
import type { Log } from "../log.ts";

const CONNECT_TIMEOUT_MS = 1_000;
/** A connection that stays silent this long, and for as long as a command may take, is given up. */
const SILENCE_MS = 1_000;
/** Commands on their way at the same time; more of them means that Redis does not keep up. */
const MAX_PENDING = 10_000;
const MIN_PAUSE_MS = 100;
const MAX_PAUSE_MS = 2_000;
/** A connection that held this long was a good one: the next pause is short again. */
const STEADY_MS = 10_000;

export interface RedisOptions {
  readonly url: string;
  /** Longest that a request waits for Redis. */
  readonly commandTimeoutMs: number;
  readonly log: Pick<Log, "info" | "warn" | "debug">;
  readonly clock?: Clock;
}

/** What the connection needs of a logger. */
export type RedisClient = Awaited<ReturnType<typeof newClient>>;

interface OpenConnection {
  readonly client: RedisClient;
  readonly lost: (reason: Error) => void;
  /** A command is overdue: no other one is sent until it is answered. */
  isLate: boolean;
}

/**
 * One pipelined connection to Redis that never makes a caller wait long. It is a circuit breaker: a command that is late
 * makes every other one fail at once until Redis answers it, and one that fails, or is not answered for long, ends the
 * connection; a new one is made in the background.
 */
export class RedisConnection {
  readonly #options: RedisOptions;
  readonly #clock: Clock;
  readonly #stopping = new AbortController();
  #kept: Promise<void> | undefined;
  #open: OpenConnection | undefined;
  #pending = 0;

  constructor(options: RedisOptions) {
    this.#options = options;
    this.#clock = options.clock ?? monotonicMs;
  }

  /** Connects, and stays connected, in the background. */
  start(): void {
    this.#kept ??= this.#keepConnected();
  }

  get isUp(): boolean {
    return this.#open !== undefined && !this.#open.isLate;
  }

  /** Runs one command. @throws RedisError when Redis is away, late, overloaded or refuses it */
  async run<T>(command: (client: RedisClient) => Promise<T>): Promise<T> {
    const open = this.#open;
    if (open === undefined) throw new RedisError("Redis is not connected");
    if (open.isLate) throw new RedisError("Redis is late");
    if (this.#pending >= MAX_PENDING) throw new RedisError("too many commands wait for Redis");
    this.#pending++;
    const answer = command(open.client);
    try {
      return await withDeadline(answer, this.#options.commandTimeoutMs);
    } catch (error) {
      if (error instanceof LateError) void this.#awaitLate(open, answer);
      // Redis that answers "no" is there; anything else says that it is not.
      else if (!(await isRefusal(error))) open.lost(error as Error);
      throw new RedisError((error as Error).message, { cause: error });
    } finally {
      this.#pending--;
    }
  }

  /** Sends nothing more until the overdue `answer` is there, and ends the connection when it does not come. */
  async #awaitLate(open: OpenConnection, answer: Promise<unknown>): Promise<void> {
    if (open.isLate) return;
    open.isLate = true;
    try {
      await withDeadline(answer, Math.max(SILENCE_MS, this.#options.commandTimeoutMs));
      open.isLate = false;
    } catch (error) {
      if (await isRefusal(error)) open.isLate = false;
      else open.lost(error as Error);
    }
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    this.#open?.lost(new Error("closing"));
    await this.#kept;
  }

  async #keepConnected(): Promise<void> {
    const { log } = this.#options;
    const { signal } = this.#stopping;
    let pauseMs = MIN_PAUSE_MS;
    let isOutageKnown = false;
    while (!signal.aborted) {
      const begun = this.#clock();
      const reason = await this.#untilLost(() => {
        log.info("Redis is connected");
        isOutageKnown = false;
      });
      if (signal.aborted) return;
      const message = `Redis is away (${reason.message}); this process's own memory stands in until it is back`;
      if (isOutageKnown) log.debug(message);
      else log.warn(message);
      isOutageKnown = true;
      pauseMs = this.#clock() - begun > STEADY_MS ? MIN_PAUSE_MS : Math.min(2 * pauseMs, MAX_PAUSE_MS);
      // Woken up early only to end.
      await sleep(pauseMs, undefined, { signal }).catch(() => {});
    }
  }

  /** Makes one connection and resolves to why it ended, or was never there. */
  async #untilLost(onConnected: () => void): Promise<Error> {
    const client = await newClient(this.#options.url);
    const { promise: end, resolve: lost } = Promise.withResolvers<Error>();
    client.on("error", lost);
    try {
      await withDeadline(
        client.connect().then(() => client.ping()),
        CONNECT_TIMEOUT_MS,
      );
      if (this.#stopping.signal.aborted) return new Error("closing");
      this.#open = { client, lost, isLate: false };
      onConnected();
      return await end;
    } catch (error) {
      return error as Error;
    } finally {
      this.#open = undefined;
      client.destroy();
      // A connection that is still being made can't be called off, only closed once it is there.
      client.once("ready", () => client.destroy());
    }
  }
}

/** Redis answered "no". */
const isRefusal = async (error: unknown) => error instanceof (await import("@redis/client")).ErrorReply;

/** Redis did not do what it was asked to. */
export class RedisError extends Error {
  override readonly name: string = "RedisError";
}

class LateError extends RedisError {
  override readonly name = "LateError";
}

/** Loads what a server without a Redis can do without. */
async function newClient(url: string) {
  const { createClient, RESP_TYPES } = await import("@redis/client");
  return createClient({
    url,
    // What every Redis, Valkey and managed service of the last years speaks.
    RESP: 2,
    disableClientInfo: true,
    // The client's own limit on connecting (5 s) only ends attempts that this server has given up.
    socket: { reconnectStrategy: false },
    commandOptions: { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } },
  });
}

/** Parts that a time limit is waited for in. */
const SLICES = 4;

/**
 * Waits for `promise` for `ms` in which this process could have read the answer. Each slice lets the event loop read
 * once, so a process that was held up takes at most one slice of its own delay for Redis's.
 * @throws LateError after that
 */
async function withDeadline<T>(promise: Promise<T>, ms: number): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  const wait = (slices: number) => {
    if (isOver) return;
    if (slices === 0) return reject(new LateError(`no answer within ${ms} ms`));
    // The immediate runs after the loop has read what is there.
    timer = setTimeout(() => setImmediate(wait, slices - 1), ms / SLICES);
  };
  wait(SLICES);
  try {
    return await Promise.race([promise, late]);
  } finally {
    isOver = true;
    clearTimeout(timer);
  }
}
