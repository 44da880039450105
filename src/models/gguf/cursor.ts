import { readSync } from "node:fs";
import { ModelError } from "../errors.ts";

const windowBytes = 1 << 20;

/** Reads little-endian values from an open file through a window of 1 MiB; never past `end`, never unbounded. */
export class Cursor {
  readonly #fd: number;
  readonly #end: number;
  readonly #name: string;
  #window = Buffer.alloc(0);
  /** The window's first byte in the file. */
  #windowStart = 0;
  #position = 0;

  constructor(fd: number, end: number, name: string) {
    this.#fd = fd;
    this.#end = end;
    this.#name = name;
  }

  get position(): number {
    return this.#position;
  }

  get remaining(): number {
    return this.#end - this.#position;
  }

  fail(what: string): never {
    throw new ModelError("invalid_gguf", `${this.#name} is not a valid GGUF file: ${what}`);
  }

  uint8(): number {
    return this.#take(1, (window, at) => window.readUInt8(at));
  }
  int8(): number {
    return this.#take(1, (window, at) => window.readInt8(at));
  }
  uint16(): number {
    return this.#take(2, (window, at) => window.readUInt16LE(at));
  }
  int16(): number {
    return this.#take(2, (window, at) => window.readInt16LE(at));
  }
  uint32(): number {
    return this.#take(4, (window, at) => window.readUInt32LE(at));
  }
  int32(): number {
    return this.#take(4, (window, at) => window.readInt32LE(at));
  }
  float32(): number {
    return this.#take(4, (window, at) => window.readFloatLE(at));
  }
  float64(): number {
    return this.#take(8, (window, at) => window.readDoubleLE(at));
  }
  uint64(): bigint {
    return this.#take(8, (window, at) => window.readBigUInt64LE(at));
  }
  int64(): bigint {
    return this.#take(8, (window, at) => window.readBigInt64LE(at));
  }

  /** A 64-bit count that must be at most `limit`. */
  count(what: string, limit: number): number {
    const value = this.uint64();
    if (value > BigInt(limit))
      this.fail(`${what} is ${value}, more than the ${limit} that the file can hold`);
    return Number(value);
  }

  string(what: string, limit = this.remaining): string {
    const length = this.count(`the length of ${what}`, Math.min(limit, Math.max(0, this.remaining - 8)));
    this.#fill(length);
    const start = this.#position - this.#windowStart;
    this.#position += length;
    return this.#window.toString("utf8", start, start + length);
  }

  #take<T>(bytes: number, read: (window: Buffer, at: number) => T): T {
    this.#fill(bytes);
    const value = read(this.#window, this.#position - this.#windowStart);
    this.#position += bytes;
    return value;
  }

  /** Moves the window to where it holds the next `bytes` bytes. */
  #fill(bytes: number): void {
    if (bytes > this.remaining)
      this.fail(`it ends at byte ${this.#end}, in the middle of a value (truncated?)`);
    if (this.#position + bytes <= this.#windowStart + this.#window.length) return;
    const length = Math.min(Math.max(bytes, windowBytes), this.remaining);
    const window = Buffer.allocUnsafe(length);
    let filled = 0;
    while (filled < length) {
      const read = readSync(this.#fd, window, filled, length - filled, this.#position + filled);
      if (read === 0) this.fail("it became shorter while it was read");
      filled += read;
    }
    this.#window = window;
    this.#windowStart = this.#position;
  }
}
