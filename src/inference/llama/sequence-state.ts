/**
 * llama.cpp writes a sequence's keys and values as a head of two words (a mark and the sequence's number, which no reader
 * asks for), `[streams u32]`, then for each stream `[cells u32][data]`, where only the stream of the sequence has cells
 * (llama-context.cpp, `state_seq_get_data`; llama-kv-cache.cpp, `state_write`). It reads them back only where there are
 * just as many streams, and doesn't mind which of them has the cells. So what is kept is the head and that one stream,
 * and a state fits every number of sequences.
 */
const WORD = 4;
const HEAD = 2 * WORD;

/** Head and the one stream with cells of what llama.cpp wrote. Undefined where there are none, or several. */
export function savedForm(written: Uint8Array): Uint8Array | undefined {
  const view = new DataView(written.buffer, written.byteOffset, written.byteLength);
  const streams = written.length >= HEAD + WORD ? view.getUint32(HEAD, true) : 0;
  const first = HEAD + WORD;
  for (let stream = 0; stream < streams; stream++) {
    const at = first + WORD * stream;
    if (at + WORD > written.length) return undefined;
    if (view.getUint32(at, true) === 0) continue;
    const end = written.length - WORD * (streams - 1 - stream);
    if (end <= at || !written.subarray(end).every((byte) => byte === 0)) return undefined;
    const saved = new Uint8Array(HEAD + end - at);
    saved.set(written.subarray(0, HEAD));
    saved.set(written.subarray(at, end), HEAD);
    return saved;
  }
  return undefined;
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
