import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { TEST_MODEL } from "../support/model.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

/*
 * The README's npm commands, run as they stand there: with their environment in front, through npm, in this folder.
 * Where one would ask the hub, it is told that there is none, and has to say what to do.
 */

const root = fileURLToPath(new URL("../..", import.meta.url));
const commands = [...readFileSync(join(root, "README.md"), "utf8").matchAll(/```sh\n(.*?)```/gs)]
  .flatMap(([, block = ""]) => block.split("\n"))
  .map((line) => line.replace(/\s+#.*$/, "").trim())
  .filter((line) => /^(MODEL_NAME=\S+ )?npm /.test(line) && line !== "npm test");

/** Runs `command` until its output has `seen`, then sends what a terminal's Ctrl-C would; or until it ends. */
async function runCommand(command: string, directory: string, seen?: RegExp) {
  const child = spawn("bash", ["-c", `exec ${command.replace(/^(MODEL_NAME=\S+) /, "env $1 ")}`], {
    cwd: root,
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: directory,
      HF_HOME: join(directory, "hf"),
      HF_HUB_OFFLINE: "1",
      DATA_DIR: join(directory, "data"),
      PORT: "0",
      THREADS: "1",
    },
    stdio: ["ignore", "pipe", "pipe"],
    // A process group of its own, which the interrupt reaches as a terminal's would.
    detached: true,
    timeout: 60_000,
  });
  let output = "";
  let isInterrupted = false;
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      if (isInterrupted || seen === undefined || !seen.test(output)) return;
      isInterrupted = true;
      process.kill(-(child.pid ?? 0), "SIGINT");
    });
  }
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, output };
}

test("the README has npm commands to start, fetch and list", () => {
  for (const name of ["start", "run pull", "run models"])
    assert.ok(
      commands.some((command) => command.includes(`npm ${name}`)),
      name,
    );
});

for (const command of commands) {
  test(`does what the README says: ${command}`, async (t) => {
    const directory = await temporaryDirectory(t);
    if (command === "npm start") {
      const { output } = await runCommand(command, directory, /"msg":"ready"/);
      assert.match(output, /Serving the built-in model instead/);
      assert.match(output, /SIGINT: draining.*"msg":"stopped"/s);
    } else if (command.includes("my-model.gguf")) {
      const model = join(directory, "my-model.gguf");
      copyFileSync(TEST_MODEL, model);
      const { output } = await runCommand(
        command.replace("./my-model.gguf", model),
        directory,
        /"msg":"ready"/,
      );
      assert.match(output, /"model":"my-model"/);
    } else if (command === "npm run models") {
      const { code, output } = await runCommand(command, directory);
      assert.equal(code, 0, output);
    } else {
      // A repository of the hub.
      const { code, output } = await runCommand(command, directory);
      assert.equal(code, 1, output);
      assert.match(output, /HF_HUB_OFFLINE/);
    }
  });
}
