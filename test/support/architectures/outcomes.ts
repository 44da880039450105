import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";

export type Outcome =
  /** Every answer is the one that its prompt has alone. */
  | { readonly type: "same" }
  | { readonly type: "differs"; readonly differences: readonly string[] }
  /** By this server or by llama.cpp, with the reason. */
  | { readonly type: "refused"; readonly reason: string }
  /** llama.cpp took no tiny model of it: the metadata that it wants is not known to `metadata.ts`. */
  | { readonly type: "not made"; readonly reason: string }
  /** llama.cpp ended the process. */
  | { readonly type: "crashed"; readonly signal: string };

const program = fileURLToPath(new URL("outcome.ts", import.meta.url));
const TIMEOUT_MS = 180_000;

/** What comes of one architecture in one layout of the KV cache. */
export function outcomeOf(architecture: string, kvLayout: "separate" | "shared"): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const args = [program, architecture, kvLayout];
    execFile(process.execPath, args, { timeout: TIMEOUT_MS }, (error, stdout, stderr) => {
      const line = stdout.trim().split("\n").at(-1) ?? "";
      if (error === null) resolve(JSON.parse(line) as Outcome);
      else if (typeof error.signal === "string") resolve({ type: "crashed", signal: error.signal });
      else reject(new Error(`${architecture}: ${stderr.slice(-2000)}`));
    });
  });
}
