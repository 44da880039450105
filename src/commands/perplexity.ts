import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import type { Config } from "../config/config.ts";
import { ApiError } from "../errors.ts";
import {
  type WindowedPerplexity,
  windowedPerplexity,
} from "../features/evaluation/likelihood/windowed-perplexity.ts";
import { createLog } from "../telemetry/log.ts";
import { countDisplay } from "./count-display.ts";
import { createEngine } from "./create-engine.ts";
import { findModel } from "./find-model.ts";

const DEFAULT_WINDOW = 512;
const SHORTEST_WINDOW = 8;

const usage = `Usage: npm run perplexity -- FILE [--window TOKENS]

Perplexity of a text under MODEL_NAME, as llama.cpp's llama-perplexity defines it: in windows of ${DEFAULT_WINDOW} tokens
unless told otherwise, the second half of each scored.`;

/** @returns the exit code: 0 done, 1 failed, 2 called wrongly */
export async function perplexity(args: readonly string[], config: Config): Promise<number> {
  const { positionals, values } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      window: { type: "string", default: String(DEFAULT_WINDOW) },
      help: { type: "boolean", short: "h" },
    },
  });
  const [file] = positionals;
  const window = Number(values.window);
  const isWindow = Number.isInteger(window) && window >= SHORTEST_WINDOW;
  if (values.help || file === undefined || !isWindow) {
    if (!isWindow) console.error(`--window must be a whole number of at least ${SHORTEST_WINDOW} tokens.\n`);
    console.error(usage);
    return values.help ? 0 : 2;
  }
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new Error(`${file} can't be read: ${error.code ?? error.message}`, { cause: error });
  });
  const log = createLog({ level: "warn", format: config.logFormat });
  const engine = createEngine(config, await findModel(config.modelName, config, { log }), log);
  try {
    await engine.start();
    const display = countDisplay({ stream: process.stderr, title: "Scoring", unit: "windows" });
    const result = await windowedPerplexity(engine, text, window, {
      onWindow: (done, total) => display.show(done, total),
    }).finally(() => display.stop());
    console.log(describe(engine.describe().name, result, window));
    return 0;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    console.error(error.message);
    return 1;
  } finally {
    await engine.close(0);
  }
}

function describe(
  model: string,
  { perplexity, tokens, windows }: WindowedPerplexity,
  window: number,
): string {
  return `${model}: perplexity ${perplexity.toFixed(4)} of ${tokens} tokens in ${windows} windows of ${window}`;
}
