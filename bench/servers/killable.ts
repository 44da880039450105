/** Servers that ours depends on, to be killed as a crash would and brought back: Debian's packages redis-server and postgresql. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, globSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

interface Program {
  readonly file: string;
  readonly args: readonly string[];
  readonly uid?: number;
  readonly gid?: number;
}

export class KillableServer implements AsyncDisposable {
  readonly name: string;
  readonly url: string;
  readonly #program: Program;
  readonly #directory: string;
  #child: ChildProcess | undefined;

  /** `directory` is removed in the end. */
  constructor(name: string, url: string, directory: string, program: Program) {
    this.name = name;
    this.url = url;
    this.#directory = directory;
    this.#program = program;
    this.start();
  }

  /** Those who need it wait until it answers. */
  start(): void {
    const { file, args, ...owner } = this.#program;
    this.#child = spawn(file, args, { ...owner, stdio: "ignore" });
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

export async function startRedis(): Promise<KillableServer> {
  const directory = newDirectory();
  const port = await freePort();
  const args = [
    "--port",
    port,
    "--bind",
    "127.0.0.1",
    "--dir",
    directory,
    "--save",
    "",
    "--appendonly",
    "no",
  ];
  return new KillableServer("Redis", `redis://127.0.0.1:${port}`, directory, {
    file: "redis-server",
    args: args.map(String),
  });
}

/** On a socket in its own directory. @throws Error where Postgres is not installed */
export function startPostgres(): KillableServer {
  const binaries = globSync("/usr/lib/postgresql/*/bin").sort().at(-1);
  if (binaries === undefined) throw new Error("the soak needs Debian's package postgresql");
  // Postgres refuses to run as root.
  const id = (flag: string) => Number(execFileSync("id", [flag, "nobody"], { encoding: "utf8" }));
  const owner = process.getuid?.() === 0 ? { uid: id("-u"), gid: id("-g") } : {};
  const directory = newDirectory();
  if (owner.uid !== undefined) chownSync(directory, owner.uid, owner.gid ?? 0);
  const data = join(directory, "data");
  execFileSync(
    join(binaries, "initdb"),
    ["-D", data, "-U", "soak", "-A", "trust", "-E", "UTF8", "--no-sync"],
    {
      ...owner,
      stdio: "pipe",
      env: { LC_ALL: "C.UTF-8" },
    },
  );
  const args = ["-D", data, "-k", directory, "-c", "listen_addresses=", "-c", "restart_after_crash=off"];
  const file = join(binaries, "postgres");
  return new KillableServer("Postgres", `postgres://soak@localhost/postgres?host=${directory}`, directory, {
    file,
    args,
    ...owner,
  });
}

/** Not within the project: Postgres' user can't enter a home of root's. */
function newDirectory(): string {
  return mkdtempSync(join(tmpdir(), "llm-server-soak-"));
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  if (address === null || typeof address === "string") throw new Error("no free port");
  return address.port;
}
