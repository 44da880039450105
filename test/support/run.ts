import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

export interface Run {
  readonly exitCode: number | null;
  /** Both streams, as they came. */
  readonly output: string;
}

/** Told after every piece of output of all that there was so far. */
export type OnOutput = (output: string, child: ChildProcess) => void;

/** Runs the command line in `directory` until it ends. Nothing of the caller's environment but `env` reaches it. */
export async function run(
  directory: string,
  env: Readonly<Record<string, string>>,
  args: readonly string[] = ["serve"],
  onOutput: OnOutput = () => {},
): Promise<Run> {
  const child = spawn(process.execPath, [main, ...args], {
    cwd: directory,
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: directory,
      HF_HOME: directory,
      HF_HUB_OFFLINE: "1",
      DATA_DIR: directory,
      PORT: "0",
      THREADS: "1",
      LOG_FORMAT: "json",
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
    // A command that should have failed and serves instead must not hold up the tests.
    timeout: 60_000,
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => {
      output += text;
      onOutput(output, child);
    });
  }
  await once(child, "close");
  return { exitCode: child.exitCode, output };
}
