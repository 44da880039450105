import { spawn } from "node:child_process";
import { once } from "node:events";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { InvalidRequestError } from "../../../errors.ts";
import { ownTool, type ServerTool } from "./server-tool.ts";

const MAX_CODE = 100_000;
const MAX_OUTPUT = 1_000_000;
/** From the start of the process, which takes some of it. */
const DEADLINE_MS = 10_000;

const script = fileURLToPath(new URL("code-process.ts", import.meta.url));
/** What the process may read: this file's folder and the packages. */
const readable = [dirname(script), fileURLToPath(new URL("../../../../node_modules", import.meta.url))];

export const codeTool: ServerTool = ownTool(
  {
    name: "run_javascript",
    description:
      "Runs JavaScript without network, files or timers and answers with what it logs by console.log, and with the value of its last expression.",
    properties: { code: { type: "string", minLength: 1, maxLength: MAX_CODE } },
  },
  "read",
  ({ code }, { signal }) => runCode(String(code), signal),
);

/**
 * Runs code in QuickJS, in a process of its own that has no rights and is killed when its time is over.
 * @throws InvalidRequestError with what is wrong with the code
 */
export async function runCode(code: string, signal: AbortSignal, deadlineMs = DEADLINE_MS): Promise<string> {
  const child = spawn(
    process.execPath,
    [
      "--permission",
      ...readable.map((path) => `--allow-fs-read=${path}`),
      "--max-old-space-size=128",
      script,
    ],
    { stdio: ["pipe", "pipe", "ignore"], env: {}, killSignal: "SIGKILL", signal },
  );
  const deadline = AbortSignal.timeout(deadlineMs);
  const kill = () => child.kill("SIGKILL");
  deadline.addEventListener("abort", kill);
  const exited = once(child, "exit");
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    if (output.length > MAX_OUTPUT) kill();
  });
  // It may end before it has read all of it.
  child.stdin.on("error", () => {});
  child.stdin.end(code);
  await exited;
  if (output.length > MAX_OUTPUT) throw new InvalidRequestError("The code wrote too much.");
  if (deadline.aborted)
    throw new InvalidRequestError(`The code took more than ${deadlineMs / 1000} seconds.`);
  deadline.removeEventListener("abort", kill);
  const result = output === "" ? undefined : (JSON.parse(output) as { text: string; isError: boolean });
  if (result === undefined) throw new InvalidRequestError("The code used more memory than it may.");
  if (result.isError) throw new InvalidRequestError(result.text);
  return result.text;
}
