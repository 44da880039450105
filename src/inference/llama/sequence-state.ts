/**
 * llama.cpp writes a sequence's keys and values as a head of two words (a mark and the sequence's number, which no reader
 * asks for), `[streams u32]`, then for each stream `[cells u32][data]`, where only the stream of the sequence has cells
 * (llama-context.cpp, `state_seq_get_data`; llama-kv-cache.cpp, `state_write`). It reads them back only where there are
 * just as many streams, and doesn't mind which of them has the cells. So what is kept is the head and that one stream,
 * and a state fits every number of sequences.
 */
export const WORD = 4;
const HEAD = 2 * WORD;

/** Where in what llama.cpp wrote the one stream with cells lies. Undefined where there are none, or several. */
function cellsOf(written: Uint8Array): { readonly start: number; readonly end: number } | undefined {
  const view = new DataView(written.buffer, written.byteOffset, written.byteLength);
  const streams = written.length >= HEAD + WORD ? view.getUint32(HEAD, true) : 0;
  const first = HEAD + WORD;
  for (let stream = 0; stream < streams; stream++) {
    const at = first + WORD * stream;
    if (at + WORD > written.length) return undefined;
    if (view.getUint32(at, true) === 0) continue;
    const end = written.length - WORD * (streams - 1 - stream);
    return end > at && written.subarray(end).every((byte) => byte === 0) ? { start: at, end } : undefined;
  }
  return undefined;
}

/**
 * Head and the one stream with cells, of what llama.cpp wrote and in its place: nothing is moved but the head. Undefined
 * where there are none, or several.
 */
export function savedForm(written: Uint8Array): Uint8Array | undefined {
  const cells = cellsOf(written);
  if (cells === undefined) return undefined;
  const start = cells.start - HEAD;
  written.copyWithin(start, 0, HEAD);
  return written.subarray(start, cells.end);
}

/**
 * Turns the first `size` bytes of `buffer`, which llama.cpp wrote, into what a context of `streams` reads; the buffer has
 * room for the counts of as many. Nothing is moved but the head.
 */
export function convertInPlace(buffer: Uint8Array, size: number, streams: number): Uint8Array | undefined {
  const cells = cellsOf(buffer.subarray(0, size));
  if (cells === undefined) return undefined;
  const start = cells.start - WORD - HEAD;
  const end = cells.end + WORD * (streams - 1);
  buffer.copyWithin(start, 0, HEAD);
  new DataView(buffer.buffer, buffer.byteOffset).setUint32(start + HEAD, streams, true);
  buffer.fill(0, cells.end, end);
  return buffer.subarray(start, end);
}

/** Writes what a context of `streams` reads into `target`, which has `readableBytes`. */
export function writeReadable(saved: Uint8Array, streams: number, target: Uint8Array): void {
  target.set(saved.subarray(0, HEAD));
  new DataView(target.buffer, target.byteOffset).setUint32(HEAD, streams, true);
  target.set(saved.subarray(HEAD), HEAD + WORD);
  target.fill(0, WORD + saved.length, readableBytes(saved, streams));
}

export function readableBytes(saved: Uint8Array, streams: number): number {
  return saved.length + WORD * streams;
}
