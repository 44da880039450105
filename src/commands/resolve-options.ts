import { fileURLToPath } from "node:url";
import type { Config } from "../config/config.ts";
import type { ResolveOptions } from "../models/resolved-model.ts";

const builtinPath = fileURLToPath(new URL("../models/builtin/builtin.gguf", import.meta.url));

/** What finding, downloading and converting a model needs of the configuration. */
export function resolveOptions(config: Config): ResolveOptions {
  return {
    builtinPath,
    hfHome: config.hfHome,
    endpoint: config.hfEndpoint,
    token: config.hfToken,
    offline: config.hfHubOffline,
    quantization: config.modelQuant,
    libraryDirectory: config.llamaLibraryDir,
  };
}
