import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";

export const layouts = ["separate", "shared"] as const;
export type KvLayout = (typeof layouts)[number];

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

/** What comes of one architecture in each layout of the KV cache. */
export function outcomesOf(architecture: string): Promise<Readonly<Record<KvLayout, Outcome>>> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [program, architecture], { timeout: TIMEOUT_MS }, (error, stdout, stderr) => {
      const lines = stdout.trim().split("\n").filter(Boolean);
      const outcomes = lines.map((line) => JSON.parse(line) as Outcome);
      const signal = error?.signal;
      if (error !== null && typeof signal !== "string")
        return reject(new Error(`${architecture}: ${stderr.slice(-2000)}`));
      // Where the first layout ends the process the second was not tried.
      const crash: Outcome = { type: "crashed", signal: signal ?? "" };
      const [separate = crash, shared = crash] = outcomes;
      return resolve({ separate, shared });
    });
  });
}
