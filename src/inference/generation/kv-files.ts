import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statfsSync,
  statSync,
} from "node:fs";
import { readFile, rename, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { commonPrefix } from "../kv-cache/common-prefix.ts";
import type { SavedSequence } from "../kv-cache/saved-sequences.ts";

/** Share of the free space that the automatic budget takes, and its ceiling. */
const AUTOMATIC_SHARE = 0.1;
const AUTOMATIC_CEILING = 4 * 2 ** 30;
/** States that may wait to be written; more are dropped, since they are memory beyond its budget. */
const MAX_PENDING_BYTES = 256 * 2 ** 20;

/** magic, identity, scope, tokens u32, checksum u32, bytes of the state u64; then the tokens, then the state. */
const MAGIC = Buffer.from("LLMKV-1\n");
const DIGEST_BYTES = 32;
const COUNTS_AT = MAGIC.length + 2 * DIGEST_BYTES;
const HEADER_BYTES = COUNTS_AT + 16;

interface KvFile {
  readonly path: string;
  readonly tokens: Int32Array;
  readonly scope: string;
  readonly bytes: number;
}

export interface KvFilesOptions {
  /** Holds a directory for each identity. */
  readonly directory: string;
  /** Names all that the form and values of keys and values depend on, beside the tokens. */
  readonly identity: string;
  /** Of all files together; undefined takes a share of the free space. */
  readonly maxBytes: number | undefined;
  /** Told of what went wrong, once a kind: it costs the cache and no answer. */
  readonly onProblem: (text: string) => void;
}

/**
 * Sequences on disk, with their keys and values, for this and later processes. A file appears under its name when it is
 * whole, and is read only when its checksum says that it still is. Read and written off the thread that computes.
 */
export class KvFiles {
  readonly #directory: string;
  readonly #identity: Buffer;
  readonly #onProblem: (text: string) => void;
  readonly maxBytes: number;
  /** The least recently used first. */
  readonly #files = new Set<KvFile>();
  readonly #reading = new Map<KvFile, Promise<SavedSequence | undefined>>();
  readonly #problems = new Set<string>();
  #bytes = 0;
  #pendingBytes = 0;
  #writing: Promise<unknown> = Promise.resolve();

  constructor({ directory, identity, maxBytes, onProblem }: KvFilesOptions) {
    this.#identity = digest(identity);
    this.#directory = join(directory, this.#identity.toString("hex").slice(0, 16));
    this.#onProblem = onProblem;
    let budget = maxBytes ?? 0;
    try {
      mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
      budget = maxBytes ?? automaticBudget(directory);
      this.#open();
      dropOthers(directory, this.#directory, budget - this.#bytes);
    } catch (error) {
      this.#problem("opened", error);
    }
    this.maxBytes = budget;
    this.#makeRoom(0);
  }

  get count(): number {
    return this.#files.size;
  }

  /** Resolves when what was to be written is. */
  get written(): Promise<unknown> {
    return this.#writing;
  }

  /** The file that has the most leading tokens in common with `prompt`, and how many. */
  longest(
    prompt: ArrayLike<number>,
    scope: string,
  ): { readonly file: KvFile; readonly shared: number } | undefined {
    let best: { file: KvFile; shared: number } | undefined;
    const wanted = digest(scope).toString("hex");
    for (const file of this.#files) {
      const shared = file.scope === wanted ? commonPrefix(file.tokens, prompt) : 0;
      if (shared > (best?.shared ?? 0)) best = { file, shared };
    }
    return best;
  }

  /** Undefined, and the file gone, where it isn't what it was written as. */
  read(file: KvFile, scope: string): Promise<SavedSequence | undefined> {
    let reading = this.#reading.get(file);
    if (reading === undefined) {
      reading = this.#read(file, scope).finally(() => this.#reading.delete(file));
      this.#reading.set(file, reading);
    }
    return reading;
  }

  async #read(file: KvFile, scope: string): Promise<SavedSequence | undefined> {
    try {
      const content = await readFile(file.path);
      const state = stateIn(content, file.tokens);
      if (state === undefined) throw new Error(`${file.path} is damaged`);
      if (this.#files.delete(file)) this.#files.add(file);
      const now = new Date();
      await utimes(file.path, now, now);
      return { tokens: file.tokens, state, scope, tier: "disk" };
    } catch (error) {
      this.#problem("read", error);
      this.#remove(file);
      return undefined;
    }
  }

  /** Writes a sequence some time soon. Undefined where too much waits to be written already. */
  write(saved: SavedSequence): Promise<void> | undefined {
    if (this.#pendingBytes + saved.state.length > MAX_PENDING_BYTES) return undefined;
    this.#pendingBytes += saved.state.length;
    return this.put(saved).then(() => {
      this.#pendingBytes -= saved.state.length;
    });
  }

  /** Writes a sequence after those that wait. Resolves to false when there is no disk to write to. */
  put(saved: SavedSequence): Promise<boolean> {
    const putting = this.written.then(() => this.#put(saved));
    this.#writing = putting;
    return putting;
  }

  async #put(saved: SavedSequence): Promise<boolean> {
    const file = this.#place(saved);
    if (file === undefined) return true;
    const partial = `${file.path}.${process.pid}.partial`;
    try {
      await writeFile(partial, this.#content(saved), { mode: 0o600 });
      await rename(partial, file.path);
      this.#add(file);
      return true;
    } catch (error) {
      this.#problem("written", error);
      removeIfThere(partial);
      return false;
    }
  }

  /** The file of a sequence; undefined where another one begins with it already, or it is too large. */
  #place({ tokens, state, scope }: SavedSequence): KvFile | undefined {
    const bytes = HEADER_BYTES + 4 * tokens.length + state.length;
    const hashed = digest(scope).toString("hex");
    const isThere = this.#files
      .values()
      .some((file) => file.scope === hashed && commonPrefix(file.tokens, tokens) === tokens.length);
    if (isThere || bytes > this.maxBytes) return undefined;
    const name = createHash("sha256").update(hashed).update(tokens).digest("hex").slice(0, 32);
    return { path: join(this.#directory, `${name}.kv`), tokens, scope: hashed, bytes };
  }

  #content({ tokens, state, scope }: SavedSequence): Uint8Array[] {
    const list = new Uint8Array(tokens.buffer, tokens.byteOffset, tokens.byteLength);
    const header = Buffer.alloc(HEADER_BYTES);
    MAGIC.copy(header);
    this.#identity.copy(header, MAGIC.length);
    digest(scope).copy(header, MAGIC.length + DIGEST_BYTES);
    header.writeUInt32LE(tokens.length, COUNTS_AT);
    header.writeUInt32LE(crc32(state, crc32(list)), COUNTS_AT + 4);
    header.writeBigUInt64LE(BigInt(state.length), COUNTS_AT + 8);
    return [header, list, state];
  }

  /** What it begins like goes, since it has that too. */
  #add(added: KvFile): void {
    for (const file of this.#files) {
      const isBeginning =
        file.scope === added.scope && commonPrefix(file.tokens, added.tokens) === file.tokens.length;
      if (isBeginning && file.path !== added.path) this.#remove(file);
    }
    this.#makeRoom(added.bytes);
    this.#files.add(added);
    this.#bytes += added.bytes;
  }

  #makeRoom(bytes: number): void {
    for (const oldest of this.#files) {
      if (this.#bytes + bytes <= this.maxBytes) return;
      this.#remove(oldest);
    }
  }

  #remove(file: KvFile): void {
    if (!this.#files.delete(file)) return;
    this.#bytes -= file.bytes;
    try {
      rmSync(file.path, { force: true });
    } catch (error) {
      this.#problem("removed", error);
    }
  }

  /** Learns what earlier processes left. */
  #open(): void {
    const found: Array<KvFile & { readonly usedAt: number }> = [];
    for (const name of readdirSync(this.#directory)) {
      const path = join(this.#directory, name);
      const file = name.endsWith(".kv") ? readIndex(path, this.#identity) : undefined;
      if (file === undefined) rmSync(path, { force: true });
      else found.push(file);
    }
    for (const { usedAt: _, ...file } of found.toSorted((a, b) => a.usedAt - b.usedAt)) {
      this.#files.add(file);
      this.#bytes += file.bytes;
    }
  }

  #problem(done: string, error: unknown): void {
    if (this.#problems.has(done)) return;
    this.#problems.add(done);
    const reason = error instanceof Error ? error.message : String(error);
    this.#onProblem(`The KV cache on disk could not be ${done}: ${reason}`);
  }
}

/** What a failed write may have left; where nothing can be removed, nothing was written. */
function removeIfThere(path: string): void {
  if (existsSync(path)) rmSync(path);
}

function automaticBudget(directory: string): number {
  const { bavail, bsize } = statfsSync(directory);
  return Math.min(AUTOMATIC_CEILING, Math.floor(AUTOMATIC_SHARE * bavail * bsize));
}

/** Removes the oldest files of other identities while they take more than `room`. */
function dropOthers(root: string, own: string, room: number): void {
  const files = readdirSync(root)
    .map((name) => join(root, name))
    .filter((directory) => directory !== own && statSync(directory).isDirectory())
    .flatMap((directory) => readdirSync(directory).map((name) => join(directory, name)))
    .map((path) => ({ path, ...pick(statSync(path)) }))
    .toSorted((a, b) => a.usedAt - b.usedAt);
  let bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  for (const file of files) {
    if (bytes <= room) return;
    rmSync(file.path, { force: true });
    bytes -= file.bytes;
  }
}

function pick({ size, mtimeMs }: { size: number; mtimeMs: number }) {
  return { bytes: size, usedAt: mtimeMs };
}

/** What a file says that it holds; undefined where it can't be whole, or is another model's. */
function readIndex(path: string, identity: Buffer): (KvFile & { readonly usedAt: number }) | undefined {
  const { bytes, usedAt } = pick(statSync(path));
  const descriptor = openSync(path, "r");
  try {
    const header = Buffer.alloc(HEADER_BYTES);
    if (readSync(descriptor, header) < HEADER_BYTES || !isOf(header, identity)) return undefined;
    const length = header.readUInt32LE(COUNTS_AT);
    const stateBytes = Number(header.readBigUInt64LE(COUNTS_AT + 8));
    if (bytes !== HEADER_BYTES + 4 * length + stateBytes) return undefined;
    const tokens = new Int32Array(length);
    readSync(descriptor, new Uint8Array(tokens.buffer), 0, 4 * length, HEADER_BYTES);
    const scope = header.toString("hex", MAGIC.length + DIGEST_BYTES, COUNTS_AT);
    return { path, tokens, scope, bytes, usedAt };
  } finally {
    closeSync(descriptor);
  }
}

function isOf(header: Buffer, identity: Buffer): boolean {
  return (
    header.subarray(0, MAGIC.length).equals(MAGIC) &&
    header.subarray(MAGIC.length, MAGIC.length + DIGEST_BYTES).equals(identity)
  );
}

/** The state in a file of just these tokens; undefined where the checksum is another. */
function stateIn(content: Buffer, tokens: Int32Array): Uint8Array | undefined {
  const list = content.subarray(HEADER_BYTES, HEADER_BYTES + 4 * tokens.length);
  const state = content.subarray(HEADER_BYTES + 4 * tokens.length);
  const isSame = list.equals(new Uint8Array(tokens.buffer, tokens.byteOffset, tokens.byteLength));
  return isSame && crc32(state, crc32(list)) === content.readUInt32LE(COUNTS_AT + 4) ? state : undefined;
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
