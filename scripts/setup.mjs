// Makes `npm start`, `npm test` and the other commands work in a fresh clone: installs the locked
// dependencies when they are missing or older than the lock file, and does nothing otherwise. Before `npm start` it also
// begins to build the console, which takes some seconds, and leaves that behind.
// Plain JavaScript, because it runs on whatever Node brought npm, before Node 24 is installed.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { constants, setPriority } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const lockFile = join(root, "package-lock.json");
/** npm writes this file last, so its time says when the last complete install ended. */
const installed = join(root, "node_modules", ".package-lock.json");

const isCurrent = existsSync(installed) && statSync(installed).mtimeMs >= statSync(lockFile).mtimeMs;
if (!isCurrent) {
  console.error("Installing dependencies (only the first time, or after they change) …");
  const npm = process.env.npm_execpath;
  const command = npm ? [process.execPath, npm] : ["npm"];
  const result = spawnSync(
    command[0],
    [...command.slice(1), "ci", "--no-audit", "--no-fund", "--loglevel=error"],
    {
      cwd: root,
      stdio: ["ignore", 2, 2],
      shell: npm === undefined && process.platform === "win32",
    },
  );
  if (result.status !== 0) {
    console.error(
      `npm ci failed (${result.error?.message ?? `exit code ${result.status}`}). Fix what it says above and run again.`,
    );
    process.exit(1);
  }
}

if (process.env.npm_lifecycle_event === "prestart") {
  const { isCurrent: isBuilt } = await import("./build-console.mjs");
  if (!isBuilt()) {
    // In the terminal's process group, where Ctrl-C ends it; and last in line for the processor, where neither the
    // server's start nor its first answer waits for it.
    const build = spawn(process.execPath, [join(root, "scripts", "build-console.mjs")], {
      cwd: root,
      stdio: ["ignore", "ignore", 2],
    });
    if (build.pid !== undefined) setPriority(build.pid, constants.priority.PRIORITY_LOW);
    build.unref();
  }
}
