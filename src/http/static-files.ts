import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { extname, join, relative, sep } from "node:path";
import type { FastifyReply, FastifyRequest } from "fastify";

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** Encodings that the build leaves beside each file, the smallest first, by their ending. */
const encodings = { br: ".br", gzip: ".gz" } as const;
type Encoding = keyof typeof encodings;

interface StaticFile {
  readonly type: string;
  readonly etag: string;
  readonly bytes: Buffer;
  readonly encoded: Readonly<Partial<Record<Encoding, Buffer>>>;
}

/**
 * The files of a build, held in memory and found by exact name: no path of a request ever reaches the file system. They
 * are read again when `index.html`, which a build writes last, is a new one.
 */
export class StaticFiles {
  readonly #directory: string;
  #files: ReadonlyMap<string, StaticFile> = new Map();
  #builtAt = 0;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** False while there is nothing to serve yet. */
  get isBuilt(): boolean {
    const builtAt = statSync(join(this.#directory, "index.html"), { throwIfNoEntry: false })?.mtimeMs;
    if (builtAt === undefined) return false;
    if (builtAt !== this.#builtAt) this.#files = readAll(this.#directory);
    this.#builtAt = builtAt;
    return true;
  }

  has(name: string): boolean {
    return this.#files.has(name);
  }

  /** Sends the file called `name`, which must be there, in the smallest encoding that the client takes. */
  send(request: FastifyRequest, reply: FastifyReply, name: string): FastifyReply {
    const file = this.#files.get(name);
    if (file === undefined) throw new Error(`there is no file ${name}`);
    reply.header("vary", "accept-encoding").header("etag", file.etag);
    if (request.headers["if-none-match"] === file.etag) return reply.code(304).send();
    const accepted = (request.headers["accept-encoding"] ?? "").toString().split(/\s*,\s*/);
    for (const encoding of Object.keys(encodings) as Encoding[]) {
      const bytes = file.encoded[encoding];
      if (bytes === undefined || !accepted.includes(encoding)) continue;
      return reply.type(file.type).header("content-encoding", encoding).send(bytes);
    }
    return reply.type(file.type).send(file.bytes);
  }
}

function readAll(directory: string): ReadonlyMap<string, StaticFile> {
  const files = new Map<string, StaticFile>();
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    const type = types[extname(entry.name)];
    if (type === undefined || !entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const bytes = readFileSync(path);
    files.set(relative(directory, path).split(sep).join("/"), {
      type,
      etag: `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 22)}"`,
      bytes,
      encoded: Object.fromEntries(
        Object.entries(encodings).flatMap(([encoding, ending]) =>
          statSync(path + ending, { throwIfNoEntry: false }) === undefined
            ? []
            : [[encoding, readFileSync(path + ending)]],
        ),
      ),
    });
  }
  return files;
}
