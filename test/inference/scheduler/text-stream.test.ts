import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { TextStream } from "../../../src/inference/scheduler/text-stream.ts";

/** Feeds `bytes` cut at `cuts`; returns the pieces that came out. */
function feed(stream: TextStream, bytes: Uint8Array, cuts: readonly number[]): string[] {
  const borders = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  const pieces: string[] = [];
  for (let index = 1; index < borders.length; index++) {
    if (stream.stopped) break;
    pieces.push(stream.push(bytes.subarray(borders[index - 1], borders[index])));
  }
  if (!stream.stopped) pieces.push(stream.end());
  return pieces;
}

const someText = fc.oneof(
  fc.string({ unit: fc.constantFrom("a", "b", "\u00e9", "\u{1F600}", "\u4f60"), maxLength: 40 }),
  fc.string({ unit: "grapheme", maxLength: 20 }),
);
const cuts = fc.array(fc.nat(), { maxLength: 30 });

test("any splitting of the bytes gives the same text, in whole characters", () => {
  fc.assert(
    fc.property(someText, cuts, (whole, at) => {
      const pieces = feed(new TextStream([]), Buffer.from(whole), at);
      assert.equal(pieces.join(""), whole);
      for (const piece of pieces) assert.ok(piece.isWellFormed());
    }),
  );
});

test("bytes that are not UTF-8 become U+FFFD, however they are split", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), cuts, (bytes, at) => {
      const expected = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
      assert.equal(feed(new TextStream([]), bytes, at).join(""), expected);
    }),
  );
});

const stop = fc.string({
  unit: fc.constantFrom("a", "b", "\u00e9", "\u{1F600}"),
  minLength: 1,
  maxLength: 4,
});

test("the text ends before the first stop string, and nothing of it leaks into an earlier piece", () => {
  fc.assert(
    fc.property(someText, fc.array(stop, { maxLength: 3 }), cuts, (whole, stops, at) => {
      const stream = new TextStream(stops);
      const pieces = feed(stream, Buffer.from(whole), at);
      const seen = pieces.join("");
      const ends = stops.map((one) => whole.indexOf(one)).filter((index) => index >= 0);
      // Cut into tokens, a later stop string may be complete before an earlier, longer one is.
      if (ends.length === 0) assert.equal(seen, whole);
      else {
        assert.ok(stream.stopped);
        assert.ok(whole.startsWith(seen));
        for (const one of stops) assert.ok(!seen.includes(one), `${JSON.stringify(one)} leaked`);
        assert.ok(ends.includes(seen.length) || stops.some((one) => whole.startsWith(one, seen.length)));
      }
    }),
    { numRuns: 500 },
  );
});

test("what may begin a stop string is held back, and given when it turns out not to", () => {
  const stream = new TextStream(["</end>"]);
  assert.equal(stream.push(Buffer.from("a <")), "a ");
  assert.equal(stream.push(Buffer.from("/en")), "");
  assert.equal(stream.push(Buffer.from("x")), "</enx");
  assert.equal(stream.push(Buffer.from("</end")), "");
  assert.equal(stream.end(), "</end");
});

test("after a stop string everything is swallowed", () => {
  const stream = new TextStream(["stop"]);
  assert.equal(stream.push(Buffer.from("go stop here")), "go ");
  assert.equal(stream.stopped, true);
  assert.equal(stream.push(Buffer.from("more")), "");
  assert.equal(stream.end(), "");
});

test("a byte order mark is text like any other", () => {
  assert.equal(feed(new TextStream([]), Buffer.from("\uFEFFa"), []).join(""), "\uFEFFa");
});
