import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import type { Dialect } from "../load/dialect.ts";

/** Who is measured: this checkout, another server, or an earlier state of this one. */
export type Side = "ours" | "peer" | "baseline";

/** A server process under test, on a free port of the loopback interface. */
export interface RunningServer extends AsyncDisposable {
  readonly side: Side;
  readonly url: string;
  readonly pid: number;
  readonly dialect: Dialect;
}

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  /** Added to the launch's. */
  readonly env?: Readonly<Record<string, string>>;
}

/** How a server is started, whichever it is. */
export interface Launch {
  readonly side: Side;
  readonly dialect: Dialect;
  command(port: number): Command;
  readonly env: Readonly<Record<string, string>>;
  /** Answers 200 once the model is loaded. */
  readonly readyPath: string;
}

const START_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 40_000;
const running = new Set<ChildProcess>();

/** Ends what is still running when this process ends in whatever way; each server ends its own children then. */
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/**
 * Starts a server and waits until it is ready. It runs until it is disposed of.
 * @throws Error with the last lines that it wrote when it ends or is not ready in two minutes
 */
export async function startServer(launch: Launch): Promise<RunningServer> {
  const port = await freePort();
  const { file, args, env } = launch.command(port);
  const child = spawn(file, args, { env: { ...launch.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  let written = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      written = (written + chunk.toString("utf8")).slice(-4000);
    });
  }
  const exited = once(child, "exit").finally(() => running.delete(child));
  exited.catch(() => undefined);
  const url = `http://127.0.0.1:${port}`;
  const stop = async () => {
    if (!running.has(child)) return;
    child.kill("SIGTERM");
    const killer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    await exited.finally(() => clearTimeout(killer));
  };
  const isUp = () => running.has(child);
  if (!(await becomesReady(url + launch.readyPath, isUp))) {
    const ended = !isUp();
    await stop();
    throw new Error(`${file} ${ended ? "ended" : "was not ready in time"}; it wrote:\n${written}`);
  }
  return {
    side: launch.side,
    url,
    pid: child.pid ?? 0,
    dialect: launch.dialect,
    [Symbol.asyncDispose]: stop,
  };
}

async function becomesReady(url: string, isUp: () => boolean): Promise<boolean> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (isUp() && performance.now() < deadline) {
    const status = await fetch(url).then(
      async (response) => {
        await response.body?.cancel();
        return response.status;
      },
      () => 0,
    );
    if (status === 200) return true;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
}

async function freePort(): Promise<number> {
  const probe = createServer();
  probe.listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  await once(probe, "close");
  if (address === null || typeof address === "string") throw new Error("no free port");
  return address.port;
}
