import { homedir } from "node:os";
import { join } from "node:path";
import type { Quantization } from "./convert/quantization.ts";
import { HubCache } from "./hub/cache.ts";
import { folderOf, type RepositoryName } from "./hub/repository.ts";

/** A change to conversion that changes its output raises this; older results are then made again. */
const converterVersion = 1;

/** Where models are stored on this machine: Hugging Face's cache, and beside it what was converted from it. */
export class ModelStore {
  readonly hub: HubCache;
  readonly convertedDirectory: string;

  constructor(options: { readonly hfHome?: string | undefined; readonly cacheDir?: string | undefined }) {
    const hfHome = options.hfHome ?? join(homedir(), ".cache", "huggingface");
    this.hub = new HubCache(join(hfHome, "hub"));
    this.convertedDirectory = join(options.cacheDir ?? join(hfHome, "llm-server"), "converted");
  }

  convertedPath(repository: RepositoryName, commit: string, quantization: Quantization): string {
    const file = `${commit}-${quantization}-v${converterVersion}.gguf`;
    return join(this.convertedDirectory, folderOf(repository), file);
  }
}
