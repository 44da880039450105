import { existsSync, lstatSync, readdirSync, realpathSync, statSync } from "node:fs";
import { rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { isCheckpoint } from "./checkpoint-files.ts";
import { ModelError } from "./errors.ts";
import { ggufSets, setByLabel } from "./gguf-choice.ts";
import { withLock } from "./hub/lock.ts";
import { folderOf, namesInCache, parseRepositorySpec, repositoryOfFolder } from "./hub/repository.ts";
import { ModelStore } from "./model-store.ts";
import { resolveModel } from "./resolve.ts";
import type { ResolvedModel, ResolveOptions } from "./resolved-model.ts";

export interface CachedModel {
  /** What `MODEL_NAME` and `removeModel` take. */
  readonly name: string;
  /** `checkpoint`: safetensors as downloaded, from which `converted` files are made. */
  readonly kind: "gguf" | "checkpoint" | "converted";
  readonly bytes: number;
  readonly paths: readonly string[];
}

type StoreOptions = Pick<ResolveOptions, "hfHome" | "cacheDir">;

/** Makes a model ready ahead of time; asks the hub for a newer commit where the model is cached. */
export function pullModel(spec: string, options: ResolveOptions): Promise<ResolvedModel> {
  return resolveModel(spec, { ...options, refresh: true });
}

/** The models on this machine that the server could load, with what each takes on disk. */
export function listModels(options: StoreOptions): readonly CachedModel[] {
  const store = new ModelStore(options);
  return [...hubModels(store), ...convertedModels(store)].toSorted((a, b) => a.name.localeCompare(b.name));
}

/**
 * Removes a model from the cache: `org/name` with all its files and conversions, `org/name:Q8_0` only that one.
 * @returns bytes freed
 * @throws ModelError `not_found`
 */
export async function removeModel(spec: string, options: StoreOptions): Promise<number> {
  const { repository, quantization } = parseRepositorySpec(spec);
  const store = new ModelStore(options);
  return withLock(store.hub.lockPath(repository), async () => {
    const paths = namesInCache(repository).flatMap((name) =>
      quantization === undefined ? wholeRepository(store, name) : oneQuantization(store, name, quantization),
    );
    if (paths.length === 0)
      throw new ModelError("not_found", `${spec} is not in the cache; npm run models lists what is`);
    const freed = paths.reduce((sum, path) => sum + bytesOf(path), 0);
    for (const path of paths) await rm(path, { recursive: true, force: true });
    return freed;
  });
}

function wholeRepository(store: ModelStore, name: string): readonly string[] {
  const folder = folderOf(name);
  return [join(store.hub.directory, folder), join(store.convertedDirectory, folder)].filter((path) =>
    existsSync(path),
  );
}

function oneQuantization(store: ModelStore, name: string, quantization: string): readonly string[] {
  const snapshot = store.hub.snapshot(name, "main");
  const set = snapshot ? setByLabel(ggufSets(store.hub.filesIn(snapshot)), quantization) : undefined;
  const links = snapshot && set ? set.files.map((file) => join(snapshot.directory, file)) : [];
  const converted = convertedModels(store).filter(
    (model) => model.name === `${name}:${quantization.toUpperCase()}`,
  );
  return [
    ...links.flatMap((link) => [realpathSync(link), link]),
    ...converted.flatMap((model) => model.paths),
  ];
}

function hubModels(store: ModelStore): readonly CachedModel[] {
  return foldersIn(store.hub.directory).flatMap((folder): CachedModel[] => {
    const name = repositoryOfFolder(folder);
    const snapshot = name === undefined ? undefined : store.hub.snapshot(name, "main");
    if (name === undefined || !snapshot) return [];
    const files = store.hub.filesIn(snapshot);
    const locate = (names: readonly string[]) => names.map((file) => join(snapshot.directory, file));
    const ggufs = ggufSets(files).map((set) => {
      const paths = locate(set.files);
      return {
        name: `${name}:${set.label || basename(set.files[0] ?? "")}`,
        kind: "gguf",
        bytes: sum(paths),
        paths,
      } as const;
    });
    if (ggufs.length > 0 || !isCheckpoint(files)) return ggufs;
    const paths = locate(files);
    return [{ name, kind: "checkpoint", bytes: sum(paths), paths }];
  });
}

function convertedModels(store: ModelStore): readonly CachedModel[] {
  return foldersIn(store.convertedDirectory).flatMap((folder) =>
    readdirSync(join(store.convertedDirectory, folder)).flatMap((file): CachedModel[] => {
      const quantization = /^[0-9a-f]{40}-(\w+)-v\d+\.gguf$/.exec(file)?.[1];
      const name = repositoryOfFolder(folder);
      if (quantization === undefined || name === undefined) return [];
      const path = join(store.convertedDirectory, folder, file);
      return [{ name: `${name}:${quantization}`, kind: "converted", bytes: bytesOf(path), paths: [path] }];
    }),
  );
}

function foldersIn(directory: string): readonly string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
}

function sum(paths: readonly string[]): number {
  return paths.reduce((total, path) => total + (statSync(path, { throwIfNoEntry: false })?.size ?? 0), 0);
}

/** What a file or folder takes, links counting as nothing. */
function bytesOf(path: string): number {
  const stat = lstatSync(path);
  if (!stat.isDirectory()) return stat.isFile() ? stat.size : 0;
  return readdirSync(path).reduce((total, name) => total + bytesOf(join(path, name)), 0);
}
