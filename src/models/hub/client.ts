import { setTimeout as delay } from "node:timers/promises";
import { HubApiError, listFiles, modelInfo } from "@huggingface/hub";
import { ModelError } from "../errors.ts";
import { hubFailure, networkFailure } from "./failures.ts";
import { isSafeFileName, type RepositoryName } from "./repository.ts";

export interface HubSettings {
  /** `https://huggingface.co`, or a mirror's address (`HF_ENDPOINT`). */
  readonly endpoint: string;
  /** `HF_TOKEN`; sent to the endpoint only. */
  readonly token?: string | undefined;
  /** Before the second try of a question that the hub failed to answer; 500 ms unless given. */
  readonly retryDelayMs?: number | undefined;
}

/** A file of a repository at one commit. */
export interface HubFile {
  readonly path: string;
  readonly size: number;
  /** SHA-256 of files in large-file storage, git's SHA-1 of the others; names the blob in the cache too. */
  readonly checksum: { readonly algorithm: "sha256" | "git-sha1"; readonly hex: string };
}

export interface Revision {
  /** As the hub spells it today: `distilbert/distilgpt2` for `distilgpt2`. */
  readonly repository: RepositoryName;
  readonly commit: string;
}

/** Bytes `start` to `end` (exclusive) of a file. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

const maxListedFiles = 20_000;
/** For answers that are a few kilobytes; downloads have a limit of their own. */
const apiTimeoutMs = 30_000;
const apiTries = 3;
/** Of one answer of the API, decompressed: a page of a listing has a thousand files. */
const maxAnswerBytes = 16 * 2 ** 20;
/** Questions to the API that one call may take: pages of a listing. */
const maxPages = 100;

/** The hub's API, as far as models need it. Every failure is a `ModelError` that says what to try. */
export class HubClient {
  readonly #settings: HubSettings;

  constructor(settings: HubSettings) {
    this.#settings = { ...settings, endpoint: settings.endpoint.replace(/\/+$/, "") };
  }

  get endpoint(): string {
    return this.#settings.endpoint;
  }

  /** The commit that a branch or tag stands at. */
  async revision(repository: RepositoryName, revision: string, signal?: AbortSignal): Promise<Revision> {
    const info = await this.#api(repository, signal, (fetch) =>
      modelInfo({ name: repository, revision, hubUrl: this.endpoint, additionalFields: ["sha"], fetch }),
    );
    if (typeof info.sha !== "string" || !/^[0-9a-f]{40}$/.test(info.sha)) {
      throw new ModelError("hub_failed", `${this.endpoint} names no valid commit for ${repository}`);
    }
    return { repository: typeof info.name === "string" ? info.name : repository, commit: info.sha };
  }

  /** @throws ModelError `hub_failed` where the listing has names that could leave the cache */
  async files(repository: RepositoryName, commit: string, signal?: AbortSignal): Promise<readonly HubFile[]> {
    return this.#api(repository, signal, async (fetch) => {
      const files: HubFile[] = [];
      const entries = listFiles({
        repo: { type: "model", name: repository },
        revision: commit,
        recursive: true,
        hubUrl: this.endpoint,
        fetch,
      });
      for await (const entry of entries) {
        if (entry.type !== "file") continue;
        if (files.length >= maxListedFiles)
          throw new ModelError("hub_failed", `${repository} lists too many files`);
        files.push(this.#file(repository, entry));
      }
      return files;
    });
  }

  #file(
    repository: RepositoryName,
    entry: { path: string; size: number; oid?: string; lfs?: { oid: string; size: number } },
  ): HubFile {
    const { path, lfs } = entry;
    const checksum = lfs
      ? ({ algorithm: "sha256", hex: lfs.oid } as const)
      : ({ algorithm: "git-sha1", hex: entry.oid ?? "" } as const);
    const size = lfs?.size ?? entry.size;
    const digits = checksum.algorithm === "sha256" ? 64 : 40;
    const isHex = checksum.hex.length === digits && /^[0-9a-f]+$/.test(checksum.hex);
    if (!isSafeFileName(path) || !isHex || !Number.isSafeInteger(size) || size < 0) {
      throw new ModelError(
        "hub_failed",
        `${repository} lists a file that is refused: ${JSON.stringify(path)}`,
      );
    }
    return { path, size, checksum };
  }

  /**
   * Opens a file, from `range` when given. The status says whether the server honoured it: 206, else 200.
   * @throws ModelError, `hub_unreachable` and `hub_failed` being worth another try
   */
  async open(
    repository: RepositoryName,
    commit: string,
    path: string,
    options: { readonly range?: ByteRange | undefined; readonly signal?: AbortSignal | undefined } = {},
  ): Promise<Response> {
    const { range, signal } = options;
    const url = `${this.endpoint}/${repository}/resolve/${commit}/${path.split("/").map(encodeURIComponent).join("/")}`;
    const headers = range ? { range: `bytes=${range.start}-${range.end - 1}` } : {};
    const response = await this.#fetch(signal)(url, { headers }).catch((error: unknown) => {
      throw networkFailure(this.endpoint, error);
    });
    if (response.ok) return response;
    await response.body?.cancel();
    throw hubFailure(response.status, response.headers.get("x-error-code"), {
      endpoint: this.endpoint,
      repository,
      file: path,
      hasToken: this.#settings.token !== undefined,
    });
  }

  /** Asks again where the hub is there but fails; a hub that is not there is reported at once. */
  async #api<T>(
    repository: RepositoryName,
    signal: AbortSignal | undefined,
    call: (fetch: typeof globalThis.fetch) => Promise<T>,
  ): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#ask(repository, signal, call);
      } catch (error) {
        const isPassing = error instanceof ModelError && error.code === "hub_failed";
        if (!isPassing || attempt >= apiTries || signal?.aborted) throw error;
        await delay((this.#settings.retryDelayMs ?? 500) * 2 ** (attempt - 1));
      }
    }
  }

  /** Runs a call of the library; it keeps no headers of a failed one, and the hub's reason is in one. */
  async #ask<T>(
    repository: RepositoryName,
    signal: AbortSignal | undefined,
    call: (fetch: typeof globalThis.fetch) => Promise<T>,
  ): Promise<T> {
    let errorCode: string | null = null;
    let pages = 0;
    const timeout = AbortSignal.timeout(apiTimeoutMs);
    const authorised = this.#fetch(signal ? AbortSignal.any([signal, timeout]) : timeout);
    try {
      return await call(async (input, init) => {
        if (++pages > maxPages)
          throw new ModelError("hub_failed", `${this.endpoint} answers in more than ${maxPages} pages`);
        const response = await authorised(input, init);
        errorCode = response.headers.get("x-error-code");
        return bounded(response, this.endpoint);
      });
    } catch (error) {
      if (error instanceof ModelError) throw error;
      if (!(error instanceof HubApiError)) throw networkFailure(this.endpoint, error);
      throw hubFailure(error.statusCode, errorCode, {
        endpoint: this.endpoint,
        repository,
        hasToken: this.#settings.token !== undefined,
      });
    }
  }

  /** `fetch` with our name, the caller's signal, and the token where it belongs: neither redirects nor links to other hosts take it along. */
  #fetch(signal: AbortSignal | undefined): typeof fetch {
    return async (input, init) => {
      const headers = new Headers(init?.headers);
      headers.set("user-agent", "llm-server");
      const isOurs =
        new URL(input instanceof Request ? input.url : input).origin === new URL(this.endpoint).origin;
      if (this.#settings.token !== undefined && isOurs)
        headers.set("authorization", `Bearer ${this.#settings.token}`);
      else headers.delete("authorization");
      return fetch(input, { ...init, headers, ...(signal ? { signal } : {}) });
    };
  }
}

/** The same answer, whose body fails where it is larger than any real one. */
function bounded(response: Response, endpoint: string): Response {
  let bytes = 0;
  const counted = response.body?.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        bytes += chunk.length;
        if (bytes <= maxAnswerBytes) controller.enqueue(chunk);
        else
          controller.error(
            new ModelError("hub_failed", `${endpoint} answers with more than ${maxAnswerBytes} bytes`),
          );
      },
    }),
  );
  const { status, statusText, headers } = response;
  return counted === undefined ? response : new Response(counted, { status, statusText, headers });
}
