import { existsSync } from "node:fs";
import { basename, dirname, isAbsolute, join } from "node:path";
import { ModelError, messageOf } from "./errors.ts";
import { assertPlausible } from "./gguf/plausible.ts";
import { readGguf } from "./gguf/reader.ts";
import { HubClient } from "./hub/client.ts";
import { parseRepositorySpec } from "./hub/repository.ts";
import { HubModel } from "./hub-model.ts";
import { ModelStore } from "./model-store.ts";
import type { ResolvedModel, ResolveOptions } from "./resolved-model.ts";

/** Served when no model is named: small, and what tutorials on transformers use. */
export const defaultModel = "distilgpt2";
export const defaultEndpoint = "https://huggingface.co";
const defaultReachabilityTimeoutMs = 5000;

/**
 * Makes the model of a `MODEL_NAME` ready to load: a `.gguf` path, `builtin`, or a repository of the hub, which is
 * downloaded and where needed converted first. Unset means `distilgpt2` where the cache or the hub holds it, else the
 * built-in model with a notice that says why; a name that was set is never replaced.
 * @throws ModelError that says what failed and what to try
 */
export async function resolveModel(
  spec: string | undefined,
  options: ResolveOptions,
): Promise<ResolvedModel> {
  if (spec === undefined || spec === "") return resolveDefault(options);
  if (spec === "builtin") return builtinModel(options);
  if (isPath(spec)) return fileModel(spec);
  return resolveRepository(spec, options);
}

/**
 * Checks a model that is named by its path, which needs no network and little time.
 * @throws ModelError when there is no usable file
 */
export function checkModelFile(spec: string | undefined): void {
  if (spec !== undefined && isPath(spec)) fileModel(spec);
}

/** What can be told apart from a repository's name: an ending, a leading dot, slash or drive. */
function isPath(spec: string): boolean {
  if (spec.startsWith("hf:")) return false;
  return /\.gguf$/i.test(spec) || /^(\.{1,2}([\\/]|$)|~)/.test(spec) || isAbsolute(spec);
}

function fileModel(path: string): ResolvedModel {
  assertPlausible(readGguf(path));
  requireAllParts(path);
  return { path, name: basename(path).replace(/\.gguf$/i, ""), source: { kind: "file" } };
}

/** The engine opens the parts of a split model by their names, beside the first. */
function requireAllParts(path: string): void {
  const match = /^(.*)-(\d{5})-of-(\d{5})(\.gguf)$/.exec(basename(path));
  if (!match) return;
  const [, stem, part, count = "", ending] = match;
  const partName = (index: number) => `${stem}-${String(index).padStart(5, "0")}-of-${count}${ending}`;
  if (Number(part) !== 1)
    throw new ModelError("not_found", `${path} is a later part of a split model; name ${partName(1)}`);
  for (let index = 2; index <= Number(count); index++) {
    const other = join(dirname(path), partName(index));
    if (!existsSync(other))
      throw new ModelError("not_found", `The split model ${path} lacks its part ${partName(index)}`);
    readGguf(other);
  }
}

function builtinModel(options: ResolveOptions, notice?: string): ResolvedModel {
  readGguf(options.builtinPath);
  return {
    path: options.builtinPath,
    name: "builtin",
    source: { kind: "builtin" },
    ...(notice === undefined ? {} : { notice }),
  };
}

async function resolveRepository(spec: string, options: ResolveOptions): Promise<ResolvedModel> {
  const model = new HubModel(parseRepositorySpec(spec), new ModelStore(options), options);
  const cached = options.refresh && !options.offline ? undefined : await model.fromCache();
  if (cached) return cached;
  if (options.offline) {
    throw new ModelError(
      "offline",
      `${spec} is not in the cache, and HF_HUB_OFFLINE forbids to fetch it: unset it, or fetch the model with npm run pull -- ${spec} first`,
    );
  }
  return model.fromHub(hubClient(options));
}

function hubClient({ endpoint = defaultEndpoint, token, download }: ResolveOptions): HubClient {
  return new HubClient({ endpoint, token, retryDelayMs: download?.retryDelayMs });
}

/** Reachability is decided quickly and apart from the download, which may take as long as it takes. */
async function resolveDefault(options: ResolveOptions): Promise<ResolvedModel> {
  try {
    const model = new HubModel(parseRepositorySpec(defaultModel), new ModelStore(options), options);
    const cached = await model.fromCache();
    if (cached) return cached;
    if (options.offline) throw new ModelError("offline", "it is not in the cache and HF_HUB_OFFLINE is set");
    const client = hubClient(options);
    const timeout = AbortSignal.timeout(options.reachabilityTimeoutMs ?? defaultReachabilityTimeoutMs);
    const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
    await client.revision(defaultModel, "main", signal);
    return await model.fromHub(client);
  } catch (error) {
    if (options.signal?.aborted || !(error instanceof ModelError) || error.code === "cancelled") throw error;
    return builtinModel(
      options,
      `The default model ${defaultModel} is not available: ${messageOf(error)}. Serving the built-in model instead; ` +
        "set MODEL_NAME to choose one.",
    );
  }
}
