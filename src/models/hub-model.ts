import { existsSync, realpathSync } from "node:fs";
import { mkdir, readdir, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { descriptionFilesOf, isCheckpoint, noModelError, weightFilesOf } from "./checkpoint-files.ts";
import { convertCheckpoint } from "./convert/convert.ts";
import { readJsonFile } from "./convert/json.ts";
import { describeModel } from "./convert/plan.ts";
import {
  defaultQuantization,
  isQuantization,
  parseQuantization,
  type Quantization,
} from "./convert/quantization.ts";
import { ModelError } from "./errors.ts";
import { assertPlausible } from "./gguf/plausible.ts";
import { readGguf } from "./gguf/reader.ts";
import { type GgufSet, ggufSets, preferredSet, setByLabel } from "./gguf-choice.ts";
import type { Snapshot } from "./hub/cache.ts";
import type { HubClient, HubFile } from "./hub/client.ts";
import { fetchFiles } from "./hub/fetch-files.ts";
import { withLock } from "./hub/lock.ts";
import type { RepositorySpec } from "./hub/repository.ts";
import type { ModelStore } from "./model-store.ts";
import type { ResolvedModel, ResolveOptions } from "./resolved-model.ts";

/** Makes a model of the hub ready: from the cache where it is there, else downloaded, else converted. */
export class HubModel {
  readonly #spec: RepositorySpec;
  readonly #name: string;
  readonly #store: ModelStore;
  readonly #options: ResolveOptions;

  constructor(spec: RepositorySpec, store: ModelStore, options: ResolveOptions) {
    this.#spec = spec;
    this.#store = store;
    this.#options = options;
    this.#name =
      spec.quantization === undefined ? spec.repository : `${spec.repository}:${spec.quantization}`;
  }

  /** What needs neither the network nor a conversion. A damaged file counts as missing while it can be replaced. */
  ready(): ResolvedModel | undefined {
    try {
      return this.#ready();
    } catch (error) {
      if (!this.#options.offline && error instanceof ModelError && error.code === "invalid_gguf")
        return undefined;
      throw error;
    }
  }

  #ready(): ResolvedModel | undefined {
    const snapshot = this.#store.hub.snapshot(this.#spec.repository, "main");
    if (!snapshot) return undefined;
    const paths = this.#store.hub.filesIn(snapshot);
    const set = this.#wantedSet(ggufSets(paths));
    if (set) return this.#ggufModel(snapshot, set);
    const converted = this.#convertedPath(snapshot);
    return existsSync(converted) ? this.#convertedModel(snapshot, converted) : undefined;
  }

  /** The same, with conversion of a checkpoint that is in the cache as a whole (fetched by any tool). */
  async fromCache(): Promise<ResolvedModel | undefined> {
    const ready = this.ready();
    if (ready) return ready;
    const snapshot = this.#store.hub.snapshot(this.#spec.repository, "main");
    if (!snapshot) return undefined;
    const paths = this.#store.hub.filesIn(snapshot);
    if (ggufSets(paths).length > 0 || !isCheckpoint(paths) || !hasAllWeights(snapshot, paths))
      return undefined;
    try {
      return await this.#exclusively(async () => this.ready() ?? this.#convert(snapshot));
    } catch (error) {
      // Another tool may have fetched only the files it needed; the hub may have the rest.
      if (!this.#options.offline && isAboutTheFiles(error)) return undefined;
      throw error;
    }
  }

  /** Asks the hub. One process at a time works on a repository; the others wait and then find it done. */
  async fromHub(client: HubClient): Promise<ResolvedModel> {
    return this.#exclusively(async () => {
      const ready = this.#options.refresh ? undefined : this.ready();
      return ready ?? this.#fetch(client);
    });
  }

  async #fetch(client: HubClient): Promise<ResolvedModel> {
    const { repository } = this.#spec;
    const { signal } = this.#options;
    const { commit } = await client.revision(repository, "main", signal);
    const files = await client.files(repository, commit, signal);
    const paths = files.map((file) => file.path);
    const directory = this.#store.hub.snapshotDirectory(repository, commit);
    const snapshot: Snapshot = { repository, commit, directory };
    const fetch = (wanted: readonly string[], reserveBytes = 0) =>
      this.#fetchFiles(
        client,
        snapshot,
        files.filter((file) => wanted.includes(file.path)),
        reserveBytes,
      );
    const sets = ggufSets(paths);
    const set = this.#wantedSet(sets);
    if (set) {
      await fetch(set.files);
      await this.#store.hub.writeReference(repository, "main", commit);
      return this.#ggufModel(snapshot, set);
    }
    const { quantization } = this.#spec;
    if (sets.length > 0 && !(isCheckpoint(paths) && quantization && isQuantization(quantization))) {
      const labels = sets.map(({ label, files: [file = ""] }) => label || basename(file));
      throw new ModelError(
        "file_not_found",
        `${repository} has no ${quantization}; it has ${labels.join(", ")}`,
      );
    }
    if (!isCheckpoint(paths)) throw noModelError(repository, paths);
    await fetch(descriptionFilesOf(files));
    // Refused here, a model costs its description; refused after its weights, gigabytes.
    describeModel(directory, readJsonFile(join(directory, "config.json")), {
      name: repository,
      quantization: this.#quantization,
    });
    const weights = weightFilesOf(directory, paths);
    const weightBytes = files.reduce((sum, file) => sum + (weights.includes(file.path) ? file.size : 0), 0);
    await fetch(weights, weightBytes * sizeRatio[this.#quantization]);
    await this.#store.hub.writeReference(repository, "main", commit);
    return this.ready() ?? this.#convert(snapshot);
  }

  #fetchFiles(
    client: HubClient,
    snapshot: Snapshot,
    files: readonly HubFile[],
    reserveBytes: number,
  ): Promise<void> {
    const { onProgress, signal, download } = this.#options;
    return fetchFiles(client, this.#store.hub, snapshot, files, {
      ...download,
      onProgress,
      signal,
      reserveBytes,
    });
  }

  #wantedSet(sets: readonly GgufSet[]): GgufSet | undefined {
    const { quantization } = this.#spec;
    return quantization === undefined
      ? preferredSet(sets, this.#options.quantization)
      : setByLabel(sets, quantization);
  }

  #ggufModel(snapshot: Snapshot, set: GgufSet): ResolvedModel {
    const [file = ""] = set.files;
    for (const part of set.files) assertPlausible(readGguf(join(snapshot.directory, part)));
    const path = join(snapshot.directory, file);
    const blob = basename(realpathSync(path));
    return {
      path,
      name: this.#name,
      source: { kind: "hub", repository: this.#spec.repository, revision: snapshot.commit, file },
      ...(set.files.length === 1 && /^[0-9a-f]{64}$/.test(blob) ? { sha256: blob } : {}),
    };
  }

  get #quantization(): Quantization {
    return parseQuantization(this.#spec.quantization ?? this.#options.quantization ?? defaultQuantization);
  }

  #convertedPath(snapshot: Snapshot): string {
    const wanted = this.#spec.quantization ?? this.#options.quantization ?? defaultQuantization;
    const quantization = wanted.toUpperCase();
    // A label that only GGUF files have (Q4_K_M) can't name a conversion.
    return isQuantization(quantization)
      ? this.#store.convertedPath(snapshot.repository, snapshot.commit, quantization)
      : "";
  }

  async #convert(snapshot: Snapshot): Promise<ResolvedModel> {
    const { onProgress, signal, libraryDirectory } = this.#options;
    const path = this.#store.convertedPath(snapshot.repository, snapshot.commit, this.#quantization);
    await mkdir(dirname(path), { recursive: true });
    await removePartials(dirname(path));
    await convertCheckpoint(snapshot.directory, path, {
      name: this.#spec.repository,
      quantization: this.#quantization,
      libraryDirectory,
      signal,
      onProgress: (bytesDone, bytesTotal) => onProgress?.({ phase: "converting", bytesDone, bytesTotal }),
    });
    return this.#convertedModel(snapshot, path);
  }

  #convertedModel(snapshot: Snapshot, path: string): ResolvedModel {
    readGguf(path);
    return {
      path,
      name: this.#name,
      source: {
        kind: "converted",
        repository: this.#spec.repository,
        revision: snapshot.commit,
        quantization: this.#quantization,
      },
    };
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const { onProgress, signal } = this.#options;
    return withLock(this.#store.hub.lockPath(this.#spec.repository), work, {
      signal,
      onWait: () => onProgress?.({ phase: "waiting", bytesDone: 0, bytesTotal: 0 }),
    });
  }
}

/** What a conversion adds to the space of the weights, which nearly always have two bytes a number. */
const sizeRatio: Readonly<Record<Quantization, number>> = { F32: 2, F16: 1, BF16: 1, Q8_0: 0.54, Q4_0: 0.32 };

/** What conversions left that a crash cut short. The repository's lock is held: none is running. */
async function removePartials(directory: string): Promise<void> {
  const names = await readdir(directory);
  await Promise.all(
    names
      .filter((name) => name.endsWith(".partial"))
      .map((name) => rm(join(directory, name), { force: true })),
  );
}

function isAboutTheFiles(error: unknown): boolean {
  return error instanceof ModelError && ["invalid_checkpoint", "unsupported_tokenizer"].includes(error.code);
}

function hasAllWeights(snapshot: Snapshot, paths: readonly string[]): boolean {
  try {
    return weightFilesOf(snapshot.directory, paths).length > 0;
  } catch (error) {
    if (error instanceof ModelError) return false;
    throw error;
  }
}
