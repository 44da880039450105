import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { LlamaError } from "./errors.ts";

/** The llama.cpp release that every signature and struct in this folder is written for. */
export const LLAMA_RELEASE = "v0.4.0";

/** Where the native libraries of one build lie. */
export interface LlamaLibraries {
  readonly directory: string;
  readonly files: { readonly base: string; readonly ggml: string; readonly llama: string };
  /** The part that speaks to a GPU, which needs the GPU's own libraries. */
  readonly accelerator: string | undefined;
}

/** Packages that carry prebuilt libraries, best first: an accelerator's build is used when it is installed. */
function candidatePackages(platform: NodeJS.Platform, arch: string): readonly string[] {
  const system = platform === "darwin" ? "mac" : platform === "win32" ? "win" : platform;
  const cpu = arch === "arm" ? "armv7l" : arch;
  if (system === "mac" && cpu === "arm64") return ["mac-arm64-metal"];
  return [`${system}-${cpu}-cuda`, `${system}-${cpu}-vulkan`, `${system}-${cpu}`];
}

/**
 * Finds the libraries: in `directory` when given (`LLAMA_LIBRARY_DIR`), else in the installed
 * `@node-llama-cpp/*` package for this platform.
 * @throws LlamaError `library_not_found` with what was looked for.
 */
export function findLibraries(directory?: string): LlamaLibraries {
  if (directory !== undefined) return librariesIn(directory);
  const require = createRequire(import.meta.url);
  const candidates = candidatePackages(process.platform, process.arch);
  for (const name of candidates) {
    const root = packageDirectory(require, `@node-llama-cpp/${name}`);
    if (root !== undefined) return librariesIn(join(root, "bins", name));
  }
  throw new LlamaError(
    "library_not_found",
    `No prebuilt llama.cpp for ${process.platform}-${process.arch}: none of ${candidates
      .map((name) => `@node-llama-cpp/${name}`)
      .join(
        ", ",
      )} is installed. Run npm ci without --omit=optional, or build llama.cpp ${LLAMA_RELEASE} with shared ` +
      "libraries and point LLAMA_LIBRARY_DIR at them.",
  );
}

/** The package's folder, found by its files and not by `require.resolve`, which its `exports` would refuse. */
function packageDirectory(require: NodeJS.Require, name: string): string | undefined {
  for (const folder of require.resolve.paths(name) ?? []) {
    const root = join(folder, name);
    if (existsSync(join(root, "package.json"))) return root;
  }
  return undefined;
}

function librariesIn(directory: string): LlamaLibraries {
  if (!existsSync(directory)) {
    throw new LlamaError("library_not_found", `The llama.cpp library directory ${directory} does not exist.`);
  }
  const names = readdirSync(directory);
  const find = (stem: string): string => {
    // An accelerator's build has its name in these too: libllama.cuda.v0.4.0.so.
    const pattern = new RegExp(`^(lib)?${stem}(\\.[a-z]+)?(\\.v[0-9.]+)?\\.(so|dylib|dll)$`);
    const name = names.find((candidate) => pattern.test(candidate));
    if (name === undefined) {
      throw new LlamaError(
        "library_not_found",
        `${directory} has no ${stem} library. It must hold llama.cpp ${LLAMA_RELEASE} built with BUILD_SHARED_LIBS.`,
      );
    }
    return join(directory, name);
  };
  const accelerator = names.find((name) => /^(lib)?ggml-(cuda|vulkan|metal)\.(so|dll)$/.test(name));
  return {
    directory,
    files: { base: find("ggml-base"), ggml: find("ggml"), llama: find("llama") },
    accelerator: accelerator === undefined ? undefined : join(directory, accelerator),
  };
}

/** Version of the npm package that brought the libraries, for the account of an answer; undefined for a build of one's own. */
export function packageVersion(libraries: LlamaLibraries): string | undefined {
  const file = join(dirname(dirname(libraries.directory)), "package.json");
  if (!existsSync(file)) return undefined;
  const parsed: unknown = JSON.parse(readFileSync(file, "utf8"));
  const version =
    typeof parsed === "object" && parsed !== null && "version" in parsed ? parsed.version : undefined;
  return typeof version === "string" ? version : undefined;
}
