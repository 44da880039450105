import { pullModel } from "../models/catalog.ts";
import { ModelError } from "../models/errors.ts";
import { progressDisplay } from "../models/progress-bar.ts";
import { defaultModel } from "../models/resolve.ts";
import type { ResolveOptions } from "../models/resolved-model.ts";

const usage = `Usage: npm run pull -- MODEL

Downloads a model ahead of time, and converts it where needed. MODEL is a Hugging Face repository:
  ${defaultModel}                            converted from safetensors (MODEL_QUANT, Q8_0 by default)
  org/name-GGUF:Q4_K_M                  one quantization of a GGUF repository`;

/** What shells expect of a program that Ctrl-C ended. */
const INTERRUPTED = 130;

/** @returns the exit code: 0 done, 1 failed, 2 called wrongly, 130 interrupted */
export async function pull(args: readonly string[], settings: ResolveOptions): Promise<number> {
  const [model, ...rest] = args;
  const wantsHelp = args.includes("--help") || args.includes("-h");
  if (model === undefined || rest.length > 0 || wantsHelp) {
    console.error(usage);
    return wantsHelp ? 0 : 2;
  }
  // What has arrived is recorded before the process ends: the next attempt resumes from there.
  const interrupted = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => interrupted.abort());
  const display = progressDisplay({ stream: process.stderr, log: (line) => console.error(line) });
  try {
    const { path, name } = await pullModel(model, {
      ...settings,
      signal: interrupted.signal,
      onProgress: display.onProgress,
    });
    display.stop();
    console.log(`${name} is ready: ${path}`);
    return 0;
  } catch (error) {
    display.stop();
    if (!(error instanceof ModelError)) throw error;
    console.error(error.message);
    return error.code === "cancelled" ? INTERRUPTED : 1;
  }
}
