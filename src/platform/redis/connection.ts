import { setTimeout as sleep } from "node:timers/promises";
import { createClient, ErrorReply, RESP_TYPES } from "@redis/client";
import { type Clock, monotonicMs } from "../clock.ts";

/** Longest that a request waits for Redis. */
const COMMAND_TIMEOUT_MS = 100;
const CONNECT_TIMEOUT_MS = 1_000;
/** Commands on their way at the same time; more of them means that Redis does not keep up. */
const MAX_PENDING = 10_000;
const MIN_PAUSE_MS = 100;
const MAX_PAUSE_MS = 2_000;
/** A connection that held this long was a good one: the next pause is short again. */
const STEADY_MS = 10_000;

export interface RedisOptions {
  readonly url: string;
  readonly log: RedisLog;
  readonly clock?: Clock;
}

/** What the connection needs of a logger. */
export interface RedisLog {
  info(message: string): void;
  warn(message: string): void;
  debug(message: string): void;
}

export type RedisClient = ReturnType<typeof newClient>;

/**
 * One pipelined connection to Redis that never makes a caller wait long. It is a circuit breaker: a command that fails or
 * is late ends the connection, and until a new one is made, in the background, every command fails at once.
 */
export class RedisConnection {
  readonly #options: RedisOptions;
  readonly #clock: Clock;
  readonly #stopping = new AbortController();
  #kept: Promise<void> | undefined;
  #open: { readonly client: RedisClient; readonly lost: (reason: Error) => void } | undefined;
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
    return this.#open !== undefined;
  }

  /** Runs one command. @throws RedisError when Redis is away, late, overloaded or refuses it */
  async run<T>(command: (client: RedisClient) => Promise<T>): Promise<T> {
    if (this.#open === undefined) throw new RedisError("Redis is not connected");
    if (this.#pending >= MAX_PENDING) throw new RedisError("too many commands wait for Redis");
    const { client, lost } = this.#open;
    this.#pending++;
    try {
      return await withDeadline(command(client), COMMAND_TIMEOUT_MS);
    } catch (error) {
      // Redis that answers "no" is there; anything else says that it is not.
      if (!(error instanceof ErrorReply)) lost(error as Error);
      throw new RedisError((error as Error).message, { cause: error });
    } finally {
      this.#pending--;
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
    const client = newClient(this.#options.url);
    const { promise: end, resolve: lost } = Promise.withResolvers<Error>();
    client.on("error", lost);
    try {
      await withDeadline(
        client.connect().then(() => client.ping()),
        CONNECT_TIMEOUT_MS,
      );
      if (this.#stopping.signal.aborted) return new Error("closing");
      this.#open = { client, lost };
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

/** Redis did not do what it was asked to. */
export class RedisError extends Error {
  override readonly name = "RedisError";
}

function newClient(url: string) {
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

/** @throws RedisError when `promise` takes longer than `ms` */
async function withDeadline<T>(promise: Promise<T>, ms: number): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  // An answer that has come and waits for this process's own event loop is not late: the immediate runs after it.
  const timer = setTimeout(() => setImmediate(() => reject(new RedisError(`no answer within ${ms} ms`))), ms);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
