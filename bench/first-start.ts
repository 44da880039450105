/**
 * From a fresh clone to the first answer, and from there to a console that can be used: `npm run bench:start`. With the
 * packages in npm's cache the network counts for little.
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { freePort } from "../test/support/free-port.ts";

const LIMIT_MS = 300_000;
const LOOK_MS = 50;

const root = fileURLToPath(new URL("..", import.meta.url));
const directory = mkdtempSync(join(tmpdir(), "first-start-"));
const clone = join(directory, "clone");
const url = `http://127.0.0.1:${await freePort()}`;
console.log(`load before: ${loadavg()[0]?.toFixed(1)}`);
const startedAt = performance.now();
const since = (at: number) => `${((performance.now() - at) / 1000).toFixed(1)} s`;

execFileSync("git", ["clone", "--quiet", root, clone], { stdio: "inherit" });
console.log(`cloned: ${since(startedAt)}`);
const server = spawn("npm", ["start"], {
  cwd: clone,
  // A group of its own, which ends as one.
  detached: true,
  stdio: "ignore",
  env: { ...process.env, PORT: new URL(url).port, DATA_DIR: join(directory, "data") },
});
const exited = once(server, "exit").then(() => {
  throw new Error("npm start ended by itself");
});
try {
  await Promise.race([exited, watch()]);
} finally {
  exited.catch(() => undefined);
  if (server.pid !== undefined && server.exitCode === null) process.kill(-server.pid, "SIGTERM");
  while (server.exitCode === null && server.signalCode === null) await pause(LOOK_MS);
  rmSync(directory, { recursive: true, force: true });
}

async function watch(): Promise<void> {
  await until(async () => {
    const answer = await fetch(`${url}/chat`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ prompt: "Hello", max_new_tokens: 4 }),
    });
    return answer.ok;
  });
  console.log(`first answer: ${since(startedAt)}`);
  const answeredAt = performance.now();
  await until(async () => (await fetch(`${url}/console/`)).ok);
  console.log(`console usable: ${since(answeredAt)} after that`);
}

/** Nobody listens there at first. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo().catch(() => false))) {
    if (performance.now() - startedAt > LIMIT_MS) throw new Error("it took longer than five minutes");
    await pause(LOOK_MS);
  }
}
