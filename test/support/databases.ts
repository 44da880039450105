import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, globSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { vector } from "@electric-sql/pglite-pgvector";
import { PGLiteSocketServer } from "@electric-sql/pglite-socket";
import { Client } from "pg";
import { freePort } from "./free-port.ts";
import { until } from "./server.ts";

/** A database to run the same tests on. */
export interface TestDatabase extends AsyncDisposable {
  /** For DATABASE_URL; undefined stands for the embedded one. */
  readonly url: string | undefined;
}

export interface DatabaseKind {
  readonly name: string;
  /** Why it can't be had here, or false. */
  readonly skip: string | false;
  /** How many connections may be used at once. */
  readonly poolSize: number;
  start(): Promise<TestDatabase>;
}

const postgresBinaries = globSync("/usr/lib/postgresql/*/bin").sort().at(-1);

/** Every kind of database that the store promises to run on. */
export const databaseKinds: readonly DatabaseKind[] = [
  {
    name: "the embedded database",
    skip: false,
    poolSize: 3,
    start: async () => ({ url: undefined, [Symbol.asyncDispose]: async () => {} }),
  },
  // The socket server has one session for all connections and keeps no message of several packets together: the
  // statement that one connection prepared is bound by another.
  { name: "PGlite over the wire", skip: false, poolSize: 1, start: startSocketServer },
  {
    name: "a Postgres server",
    skip: skipWithoutPostgres(),
    poolSize: 3,
    start: () => startPostgres(postgresBinaries ?? ""),
  },
];

function skipWithoutPostgres(): string | false {
  if (postgresBinaries === undefined) return "needs Debian's package postgresql";
  // Postgres refuses to run as root, so a root needs somebody else to run it as.
  return process.getuid?.() === 0 && !existsSync("/etc/passwd") ? "needs a user to run Postgres as" : false;
}

async function startSocketServer(): Promise<TestDatabase> {
  const db = await PGlite.create({ extensions: { vector } });
  const port = await freePort();
  const server = new PGLiteSocketServer({ db, port, host: "127.0.0.1", maxConnections: 20 });
  await server.start();
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    [Symbol.asyncDispose]: async () => {
      await server.stop();
      await db.close();
    },
  };
}

async function startPostgres(binaries: string): Promise<TestDatabase> {
  const directory = await mkdtemp(join(tmpdir(), "llm-server-test-"));
  const owner = process.getuid?.() === 0 ? nobody() : undefined;
  if (owner !== undefined) chownSync(directory, owner.uid, owner.gid);
  const data = join(directory, "data");
  execFileSync(
    join(binaries, "initdb"),
    ["-D", data, "-U", "test", "-A", "trust", "-E", "UTF8", "--no-sync"],
    {
      ...owner,
      stdio: "pipe",
      env: { LC_ALL: "C.UTF-8" },
    },
  );
  // On a socket in its own directory, so that no port is taken.
  const options = ["-D", data, "-k", directory, "-c", "listen_addresses=", "-c", "fsync=off"];
  const child = spawn(join(binaries, "postgres"), options, { ...owner, stdio: "ignore" });
  const exited = once(child, "exit");
  const url = `postgres://test@localhost/postgres?host=${directory}`;
  await until(() => answers(url));
  return {
    url,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGINT");
      await exited;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function answers(url: string): Promise<boolean> {
  const client = new Client(url);
  try {
    await client.connect();
    await client.end();
    return true;
  } catch {
    return false;
  }
}

function nobody(): { uid: number; gid: number } {
  const id = (flag: string) => Number(execFileSync("id", [flag, "nobody"], { encoding: "utf8" }));
  return { uid: id("-u"), gid: id("-g") };
}
