import { mkdir, open, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ModelError, systemCodeOf } from "../errors.ts";

export interface LockOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called once when another process holds the lock. */
  readonly onWait?: (() => void) | undefined;
  /** The holder shows this often that it lives; three times as long without a sign and the lock is taken over. */
  readonly heartbeatMs?: number | undefined;
  readonly pollMs?: number | undefined;
}

const defaults = { heartbeatMs: 10_000, pollMs: 200 } as const;

/**
 * Runs `work` while no other process (or caller in this one) runs under the same lock file. A lock whose holder died
 * is taken over: at once when it was on this host, else when its signs of life stop.
 */
export async function withLock<T>(
  path: string,
  work: () => Promise<T>,
  options: LockOptions = {},
): Promise<T> {
  const heartbeatMs = options.heartbeatMs ?? defaults.heartbeatMs;
  await mkdir(dirname(path), { recursive: true });
  const owner = `${process.pid} ${hostname()} ${crypto.randomUUID()}`;
  await acquire(path, owner, heartbeatMs, options);
  const heartbeat = setInterval(() => {
    const now = new Date();
    // A missed sign of life is not worth ending the work for.
    utimes(path, now, now).catch(() => {});
  }, heartbeatMs);
  heartbeat.unref();
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    if ((await ownerOf(path)) === owner) await rm(path, { force: true });
  }
}

async function acquire(
  path: string,
  owner: string,
  heartbeatMs: number,
  options: LockOptions,
): Promise<void> {
  for (let hasWaited = false; !(await create(path, owner)); ) {
    if (await removeIfAbandoned(path, heartbeatMs * 3)) continue;
    if (!hasWaited) options.onWait?.();
    hasWaited = true;
    await delay(
      options.pollMs ?? defaults.pollMs,
      undefined,
      options.signal ? { signal: options.signal } : {},
    ).catch(() => {
      throw new ModelError("cancelled", "Waiting for another process's download was cancelled");
    });
  }
}

/** Creates the lock file, or finds it held. */
async function create(path: string, owner: string): Promise<boolean> {
  try {
    const file = await open(path, "wx");
    await file.writeFile(owner);
    await file.close();
    return true;
  } catch (error) {
    if (systemCodeOf(error) === "EEXIST") return false;
    throw new ModelError(
      "locked",
      `The lock ${path} can't be made (${systemCodeOf(error)}): is the cache writable?`,
      {
        cause: error,
      },
    );
  }
}

async function ownerOf(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch(() => undefined);
}

/**
 * Moves a dead holder's lock aside. Only one process can rename a given file, so two that find it dead don't both
 * continue; a process that moved a lock that was renewed meanwhile puts it back.
 */
async function removeIfAbandoned(path: string, patienceMs: number): Promise<boolean> {
  const owner = await ownerOf(path);
  const modified = (await stat(path).catch(() => undefined))?.mtimeMs;
  if (owner === undefined || modified === undefined) return true;
  if (!isDead(owner) && Date.now() - modified < patienceMs) return false;
  const aside = `${path}.${crypto.randomUUID()}`;
  try {
    await rename(path, aside);
  } catch {
    return true;
  }
  if ((await ownerOf(aside)) !== owner) {
    await rename(aside, path);
    return false;
  }
  await rm(aside, { force: true });
  return true;
}

function isDead(owner: string): boolean {
  const [pid, host] = owner.split(" ");
  if (host !== hostname() || !/^\d+$/.test(pid ?? "")) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return systemCodeOf(error) === "ESRCH";
  }
}
