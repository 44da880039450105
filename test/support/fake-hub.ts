import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { gzipSync } from "node:zlib";

/**
 * A fake of the Hugging Face hub, because tests run where the real one can't be reached and must see it fail on
 * demand. It speaks the part of the hub's API that models need: revision, paged file tree, resolve with redirects of
 * large files to a second origin (the real hub's CDN), ranges, etags, and the hub's error headers.
 */
export interface FakeRepository {
  readonly files: ReadonlyMap<string, Buffer>;
  readonly commit?: string;
  /** Only this token may read it; `gated` in the hub's words. */
  readonly token?: string;
  /** The name the hub knows it by today; the listed one is then a legacy name that redirects. */
  readonly modernName?: string;
  /** Sizes that the listing claims instead of the true ones. */
  readonly claimedSizes?: ReadonlyMap<string, number>;
}

/** What goes wrong with downloads; each is asked about every request for file data. */
export interface Faults {
  /** Close the connection after so many bytes of the body. */
  cutAfter?: (path: string) => number | undefined;
  /** Change the bytes. */
  corrupt?: (path: string) => boolean;
  /** Answer 200 with the whole file to requests for a range. */
  ignoreRanges?: boolean;
  /** Fail with this status. */
  status?: (path: string) => number | undefined;
  /** Fail questions to the API, as opposed to downloads, with this status. */
  apiStatus?: () => number | undefined;
  /** Send half of a file, and the rest when this settles. */
  hold?: (path: string) => Promise<void> | undefined;
  /** Whose address the listing's next page has; this hub's own unless given. */
  nextPageAt?: () => string;
  /** Every page of the listing has a next one. */
  isListingEndless?: boolean;
  /** Bytes of white space before an answer of the API, sent compressed. */
  blankBytes?: number;
  /** Accept connections and never answer. */
  isSilent?: boolean;
}

export interface SeenRequest {
  readonly path: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
  readonly isCdn: boolean;
}

/** Files from this size on are kept in large-file storage, with a SHA-256 and a redirect. */
const largeFileBytes = 1024;
const defaultCommit = "0123456789abcdef0123456789abcdef01234567";
const treePageSize = 3;

export class FakeHub {
  readonly repositories = new Map<string, FakeRepository>();
  readonly faults: Faults = {};
  readonly requests: SeenRequest[] = [];
  bytesServed = 0;
  readonly #hub: Server;
  readonly #cdn: Server;

  private constructor() {
    this.#hub = createServer((request, response) => this.#answer(request, response, false));
    this.#cdn = createServer((request, response) => this.#answer(request, response, true));
  }

  static async start(test: TestContext): Promise<FakeHub> {
    const hub = new FakeHub();
    await Promise.all(
      [hub.#hub, hub.#cdn].map((server) => new Promise<void>((done) => server.listen(0, "127.0.0.1", done))),
    );
    test.after(() => hub.stop());
    return hub;
  }

  async stop(): Promise<void> {
    for (const server of [this.#hub, this.#cdn]) {
      server.closeAllConnections();
      server.close();
    }
  }

  get endpoint(): string {
    return originOf(this.#hub);
  }

  /** Requests for the contents of files. */
  get downloads(): readonly SeenRequest[] {
    return this.requests.filter((request) => !request.isCdn && request.path.includes("/resolve/"));
  }

  add(
    name: string,
    files: Readonly<Record<string, Buffer | string>>,
    extra: Omit<FakeRepository, "files"> = {},
  ): void {
    const contents = Object.entries(files).map(([path, data]) => [path, Buffer.from(data)] as const);
    this.repositories.set(name, { files: new Map(contents), ...extra });
  }

  #answer(request: IncomingMessage, response: ServerResponse, isCdn: boolean): void {
    const url = new URL(request.url ?? "/", "http://localhost");
    const path = decodeURIComponent(url.pathname);
    const { range, authorization } = request.headers;
    this.requests.push({ path, range, authorization, isCdn });
    if (this.faults.isSilent) return;
    const api = /^\/api\/models\/(.+?)\/(revision|tree)\/([^/]+)$/.exec(path);
    const file = /^\/(.+?)\/resolve\/([^/]+)\/(.+)$/.exec(path);
    const apiStatus = api ? this.faults.apiStatus?.() : undefined;
    if (apiStatus !== undefined) {
      fail(response, apiStatus, "");
      return;
    }
    const found = api ?? file;
    if (!found) {
      fail(response, 404, "EntryNotFound");
      return;
    }
    const name = found[1] ?? "";
    const repository = this.repositories.get(name);
    // The real hub answers 401 for what doesn't exist, so as not to tell what is private.
    if (!repository) {
      fail(response, authorization ? 404 : 401, "RepoNotFound");
      return;
    }
    if (!isCdn && repository.token !== undefined && authorization !== `Bearer ${repository.token}`) {
      fail(response, authorization ? 403 : 401, "GatedRepo");
      return;
    }
    if (api?.[2] === "revision") {
      this.#revision(response, name, repository);
      return;
    }
    if (api) {
      this.#tree(response, url, repository);
      return;
    }
    this.#file(response, { name, repository, path: file?.[3] ?? "", range, isCdn, url });
  }

  #revision(response: ServerResponse, name: string, repository: FakeRepository): void {
    const id = repository.modernName ?? name;
    json(response, { _id: "1", id, sha: repository.commit ?? defaultCommit, private: false, gated: false });
  }

  #tree(response: ServerResponse, url: URL, repository: FakeRepository): void {
    const cursor = Number(url.searchParams.get("cursor") ?? 0);
    const entries = [...repository.files].map(([path, data]) => ({
      type: "file",
      path,
      size: repository.claimedSizes?.get(path) ?? data.length,
      oid: gitHash(data),
      ...(data.length >= largeFileBytes
        ? {
            lfs: {
              oid: sha256(data),
              size: repository.claimedSizes?.get(path) ?? data.length,
              pointerSize: 134,
            },
          }
        : {}),
    }));
    if (this.faults.isListingEndless === true || cursor + treePageSize < entries.length) {
      url.searchParams.set("cursor", String(cursor + treePageSize));
      const at = this.faults.nextPageAt?.() ?? this.endpoint;
      response.setHeader("link", `<${at}${url.pathname}${url.search}>; rel="next"`);
    }
    json(response, entries.slice(cursor, cursor + treePageSize), this.faults.blankBytes);
  }

  #file(response: ServerResponse, request: FileRequest): void {
    const { repository, path, isCdn, url } = request;
    const data = repository.files.get(path);
    if (!data) {
      fail(response, 404, "EntryNotFound");
      return;
    }
    const isLarge = data.length >= largeFileBytes;
    response.setHeader("etag", `"${isLarge ? sha256(data) : gitHash(data)}"`);
    if (isLarge && !isCdn) {
      response.setHeader("x-linked-etag", `"${sha256(data)}"`);
      response.writeHead(302, { location: `${originOf(this.#cdn)}${url.pathname}` }).end();
      return;
    }
    const status = this.faults.status?.(path);
    if (status !== undefined) {
      fail(response, status, "");
      return;
    }
    this.#send(response, path, data, this.faults.ignoreRanges ? undefined : request.range);
  }

  #send(response: ServerResponse, path: string, data: Buffer, range: string | undefined): void {
    const match = /^bytes=(\d+)-(\d*)$/.exec(range ?? "");
    const start = Number(match?.[1] ?? 0);
    const end = match?.[2] ? Math.min(data.length, Number(match[2]) + 1) : data.length;
    let body = data.subarray(start, end);
    if (this.faults.corrupt?.(path)) body = Buffer.from(body.map((byte) => byte ^ 1));
    if (match) response.setHeader("content-range", `bytes ${start}-${end - 1}/${data.length}`);
    response.writeHead(match ? 206 : 200, { "content-length": body.length });
    const cut = this.faults.cutAfter?.(path);
    if (cut === undefined || cut >= body.length) {
      this.bytesServed += body.length;
      const held = this.faults.hold?.(path);
      const half = held ? body.length >> 1 : 0;
      if (held) response.write(body.subarray(0, half));
      void Promise.resolve(held).then(() => response.end(body.subarray(half)));
      return;
    }
    this.bytesServed += cut;
    response.write(body.subarray(0, cut), () => response.destroy());
  }
}

interface FileRequest {
  readonly name: string;
  readonly repository: FakeRepository;
  readonly path: string;
  readonly range: string | undefined;
  readonly isCdn: boolean;
  readonly url: URL;
}

function originOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function json(response: ServerResponse, body: unknown, blankBytes = 0): void {
  const text = JSON.stringify(body);
  const headers = { "content-type": "application/json" };
  if (blankBytes === 0) response.writeHead(200, headers).end(text);
  else
    response
      .writeHead(200, { ...headers, "content-encoding": "gzip" })
      .end(gzipSync(" ".repeat(blankBytes) + text));
}

function fail(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { "content-type": "application/json", "x-error-code": code });
  response.end(JSON.stringify({ error: code || "failed" }));
}

export function sha256(data: Buffer): string {
  return createHash("sha256").update(data).digest("hex");
}

function gitHash(data: Buffer): string {
  return createHash("sha1").update(`blob ${data.length}\0`).update(data).digest("hex");
}
