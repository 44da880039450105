import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { until } from "./server.ts";

/** Reason to print when a test that needs a Redis is skipped, or false. */
export const skipWithoutRedis =
  spawnSync("redis-server", ["--version"]).status === 0
    ? false
    : "needs redis-server, which is not installed";

/** A real Redis on a port of its own, empty at each start. */
export class RedisServer implements AsyncDisposable {
  readonly port: number;
  readonly #directory: string;
  #process: ChildProcess | undefined;

  private constructor(port: number, directory: string) {
    this.port = port;
    this.#directory = directory;
  }

  static async start(): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), await mkdtemp(join(tmpdir(), "redis-test-")));
    await server.start();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts it, or brings it back; resolves when it answers. */
  async start(): Promise<void> {
    const settings = { port: this.port, bind: "127.0.0.1", dir: this.#directory, save: "", appendonly: "no" };
    const options = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
    this.#process = spawn("redis-server", options, { stdio: "ignore" });
    await until(async () => (await this.command("PING").catch(() => "")) === "+PONG");
  }

  /** As a crash would: at once, with nothing said to clients. */
  async kill(): Promise<void> {
    const process = this.#process;
    if (process === undefined || process.exitCode !== null || process.signalCode !== null) return;
    const exited = once(process, "exit");
    process.kill("SIGKILL");
    await exited;
  }

  /** Leaves connections open and answers nothing, until `resume`. */
  pause(): void {
    this.#process?.kill("SIGSTOP");
  }

  resume(): void {
    this.#process?.kill("SIGCONT");
  }

  /** Sends one command by hand and resolves to the reply as it came over the wire. */
  async command(...words: readonly string[]): Promise<string> {
    const socket = connect(this.port, "127.0.0.1");
    try {
      await once(socket, "connect");
      socket.end(
        `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("")}`,
      );
      let reply = "";
      for await (const chunk of socket.setEncoding("latin1")) reply += chunk;
      return reply.trimEnd();
    } finally {
      socket.destroy();
    }
  }

  /** Names of all keys. */
  async keys(): Promise<readonly string[]> {
    return (await this.command("KEYS", "*")).split("\r\n").filter((line) => /^[^*$]/.test(line));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await rm(this.#directory, { recursive: true, force: true });
  }
}
