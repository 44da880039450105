import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Environment } from "../../config/config.ts";

const main = fileURLToPath(new URL("../../main.ts", import.meta.url));
const READY_POLL_MS = 200;

interface LogLine {
  readonly level?: string;
  readonly msg?: string;
}

/** A server started for one run, with this command's environment; it ends with `stop`. */
export class OwnServer {
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(url: string, child: ChildProcess) {
    this.url = url;
    this.#child = child;
  }

  /** @throws Error with what the server logged when it ends before it is ready, as it does with `signal` */
  static async start(
    environment: Environment,
    model: string | undefined,
    signal: AbortSignal,
  ): Promise<OwnServer> {
    const child = spawn(process.execPath, [main, "serve"], {
      env: {
        ...environment,
        HOST: "127.0.0.1",
        PORT: "0",
        LOG_FORMAT: "json",
        LOG_LEVEL: "info",
        ...(model !== undefined && { MODEL_NAME: model }),
      },
      stdio: ["ignore", "pipe", "inherit"],
      // Out of reach of a terminal's Ctrl-C: the run is paused first, which takes a server.
      detached: true,
    });
    // It does not outlive this command, however that ends.
    process.once("exit", () => child.kill("SIGKILL"));
    const stop = () => child.kill();
    signal.addEventListener("abort", stop, { once: true });
    const address = Promise.withResolvers<string>();
    const problems: string[] = [];
    createInterface({ input: child.stdout }).on("line", (text) => {
      const { level = "", msg = "" } = parseLine(text);
      if (["warn", "error", "fatal"].includes(level)) problems.push(msg);
      const match = /listening on (http:\S+)$/.exec(msg);
      if (match?.[1] !== undefined) address.resolve(match[1]);
    });
    const ended = once(child, "exit").then((): never => {
      throw new Error(`The server ended: ${problems.join("\n") || "the lines above say why"}`);
    });
    ended.catch(() => {});
    const url = await Promise.race([address.promise, ended]);
    await Promise.race([untilReady(url), ended]);
    signal.removeEventListener("abort", stop);
    return new OwnServer(url, child);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGTERM");
    await ended;
  }
}

async function untilReady(url: string): Promise<void> {
  // A connection that is refused belongs to a server that is about to end, which the waiting caller is told as well.
  while (
    !(await fetch(`${url}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    ))
  )
    await pause(READY_POLL_MS);
}

function parseLine(text: string): LogLine {
  try {
    return JSON.parse(text) as LogLine;
  } catch {
    return { level: "error", msg: text };
  }
}
