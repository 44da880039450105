import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "../../bench/load/random.ts";
import { halfBits, randomWeights, silence } from "../../bench/models/random-blocks.ts";
import { syntheticVocabulary } from "../../bench/models/vocabulary.ts";

test("every token of the synthetic vocabulary is there once, and every merge makes one", () => {
  const { tokens, merges } = syntheticVocabulary(50_257);
  assert.equal(tokens.length, 50_257);
  assert.equal(new Set(tokens).size, tokens.length);
  const known = new Set(tokens);
  for (const merge of merges) {
    const [left, right] = merge.split(" ");
    assert.ok(known.has(`${left}${right}`) && known.has(left ?? "") && known.has(right ?? ""), merge);
  }
  assert.ok(known.has("Ġabc"), "a word of three letters is a token");
});

test("half-precision scales are exact where they can be", () => {
  assert.equal(halfBits(1), 0x3c00);
  assert.equal(halfBits(0.5), 0x3800);
  assert.equal(halfBits(1.5), 0x3e00);
  assert.throws(() => halfBits(1e-9), /no normal half-precision form/);
});

for (const type of ["Q8_0", "Q4_0"] as const) {
  test(`random ${type} weights have the spread asked for, no mean, and can be silenced`, () => {
    const spread = 0.05;
    const data = randomWeights({ type, count: 64_000, spread }, new SeededRandom(5));
    const values = unpack(data, type);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length);
    assert.ok(Math.abs(deviation - spread) < 0.05 * spread, `spread ${deviation}`);
    assert.ok(Math.abs(mean) < 0.02 * spread, `mean ${mean}`);
    silence(data, type, 640);
    assert.ok(
      unpack(data, type)
        .slice(0, 640)
        .every((value) => value === 0),
    );
    assert.notEqual(unpack(data, type)[641], 0);
  });
}

/** The weights as ggml's `dequantize_row_q8_0` and `dequantize_row_q4_0` read them. */
function unpack(data: Buffer, type: "Q8_0" | "Q4_0"): number[] {
  const bytes = type === "Q8_0" ? 34 : 18;
  const values: number[] = [];
  for (let at = 0; at < data.length; at += bytes) {
    const scale = half(data.readUInt16LE(at));
    const packed = [...data.subarray(at + 2, at + bytes)];
    const integers =
      type === "Q8_0"
        ? packed.map((byte) => (byte << 24) >> 24)
        : [...packed.map((byte) => (byte & 15) - 8), ...packed.map((byte) => (byte >> 4) - 8)];
    values.push(...integers.map((integer) => integer * scale));
  }
  return values;
}

function half(bits: number): number {
  const exponent = (bits >> 10) & 31;
  if (exponent === 0) return 0;
  return (bits & 0x8000 ? -1 : 1) * (1 + (bits & 0x3ff) / 1024) * 2 ** (exponent - 15);
}
