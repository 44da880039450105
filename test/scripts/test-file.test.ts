import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { TestFile } from "../../scripts/test-file.ts";
import { until } from "../support/server.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

test("a test that runs out of time ends with everything that it started, and is a failure", async (t) => {
  const directory = await temporaryDirectory(t);
  const pidFile = join(directory, "pid");
  const path = join(directory, "hangs.test.ts");
  await writeFile(
    path,
    `import { spawn } from "node:child_process";
     import { writeFileSync } from "node:fs";
     import test from "node:test";
     test("is quick", () => {});
     test("hangs", async () => {
       const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "inherit" });
       writeFileSync(${JSON.stringify(pidFile)}, String(child.pid));
       await new Promise((resolve) => child.once("exit", resolve));
     });
     test("is never run", () => {});`,
  );
  const file = new TestFile(path, false);
  const ended = file.ended();
  const pid = () => readFile(pidFile, "utf8").then(Number, () => 0);
  await until(async () => file.running.includes("hangs") && (await pid()) > 0);

  file.spend(100, 180);
  file.spend(100, 180);

  const { passed, failed, output } = await ended;
  assert.deepEqual({ passed, failed }, { passed: 1, failed: 1 });
  assert.match(output.toString(), /ran out of time in: hangs/);
  const child = await pid();
  await until(() => !isAlive(child));
});

test("a file that ends with an error outside its tests is a failure", async (t) => {
  const directory = await temporaryDirectory(t);
  const path = join(directory, "throws.test.ts");
  await writeFile(
    path,
    `import test from "node:test"; test("is quick", () => {}); throw new Error("outside");`,
  );
  const { failed, output } = await new TestFile(path, false).ended();
  assert.equal(failed, 1);
  assert.match(output.toString(), /outside/);
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
