import { existsSync, readFileSync } from "node:fs";
import type { TestServer } from "./server.ts";

/** Reason to print when a test that looks at other processes is skipped, or false. */
export const skipWithoutProc = existsSync(`/proc/${process.pid}/task/${process.pid}/children`)
  ? false
  : "needs Linux's /proc to find the engine process";

/** Process ids of the children of `pid`. */
export function childrenOf(pid: number | undefined): readonly number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return text.split(" ").filter(Boolean).map(Number);
}

/** The server's one engine process. @throws Error when it has none, or more */
export function enginePid(server: TestServer): number {
  return oneChild(server, "inference/generation/process");
}

/** True while `pid` exists and is not a zombie. */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** The server's process that embeds. @throws Error when it has none */
export function embeddingPid(server: TestServer): number {
  return oneChild(server, "inference/embedding/process");
}

function oneChild(server: TestServer, entry: string): number {
  const children = childrenOf(server.process.pid).filter((child) =>
    readFileSync(`/proc/${child}/cmdline`, "utf8").includes(entry),
  );
  const [pid] = children;
  if (pid === undefined || children.length !== 1) throw new Error(`processes of ${entry}: [${children}]`);
  return pid;
}
