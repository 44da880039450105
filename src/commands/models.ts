import { listModels, removeModel } from "../models/catalog.ts";
import { formatBytes } from "../models/disk-space.ts";
import { ModelError } from "../models/errors.ts";
import type { ResolveOptions } from "../models/resolved-model.ts";

const usage = `Usage: npm run models                      lists the models in the cache
       npm run models -- remove MODEL      removes org/name, or only org/name:Q8_0`;

type Settings = Pick<ResolveOptions, "hfHome" | "cacheDir">;

/** @returns the exit code: 0 done, 1 failed, 2 called wrongly */
export async function models(args: readonly string[], settings: Settings): Promise<number> {
  const [action = "list", model, ...rest] = args;
  try {
    if (action === "list" && model === undefined) {
      printList(settings);
      return 0;
    }
    if (action === "remove" && model !== undefined && rest.length === 0) {
      console.log(`Removed ${model}: ${formatBytes(await removeModel(model, settings))} freed`);
      return 0;
    }
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    console.error(error.message);
    return 1;
  }
  console.error(usage);
  return action === "--help" || action === "-h" ? 0 : 2;
}

function printList(settings: Settings): void {
  const models = listModels(settings);
  if (models.length === 0) {
    console.log("No models in the cache. npm run pull -- MODEL fetches one.");
    return;
  }
  const width = Math.max(...models.map((model) => model.name.length));
  for (const { name, kind, bytes } of models) {
    console.log(`${name.padEnd(width)}  ${kind.padEnd(10)}  ${formatBytes(bytes).padStart(8)}`);
  }
  const total = models.reduce((sum, model) => sum + model.bytes, 0);
  console.log(`${"".padEnd(width)}  ${"total".padEnd(10)}  ${formatBytes(total).padStart(8)}`);
}
