import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type AttentionInputs,
  chooseAttention,
  scoreBytes,
} from "../../../src/inference/generation/attention-choice.ts";
import { continuing, InProcessEngine } from "../../support/in-process-engine.ts";
import { BUILTIN } from "../../support/model.ts";

const narrow: AttentionInputs = {
  setting: "auto",
  headWidths: { key: 32, value: 32 },
  kvCacheType: "f16",
  isOffloaded: false,
  hasAvx512: true,
  scoreBytes: scoreBytes(512, 1024, 8),
};

test("flash attention is left out by itself for heads that AVX-512 can't take whole, where there is room for the scores", () => {
  assert.equal(chooseAttention(narrow).isOn, false);
  assert.equal(chooseAttention({ ...narrow, headWidths: { key: 96, value: 96 } }).isOn, false);
  assert.equal(chooseAttention({ ...narrow, headWidths: { key: 192, value: 128 } }).isOn, true);
  assert.equal(chooseAttention({ ...narrow, hasAvx512: false }).isOn, true);
  assert.equal(chooseAttention({ ...narrow, isOffloaded: true }).isOn, true);
  assert.equal(chooseAttention({ ...narrow, kvCacheType: "q8_0" }).isOn, true);
  assert.equal(chooseAttention({ ...narrow, scoreBytes: scoreBytes(512, 131_072, 32) }).isOn, true);
});

test("FLASH_ATTENTION is followed, and refused by name where llama.cpp can't", () => {
  assert.equal(chooseAttention({ ...narrow, setting: "on" }).isOn, true);
  assert.equal(chooseAttention({ ...narrow, setting: "off", hasAvx512: false }).isOn, false);
  assert.throws(
    () => chooseAttention({ ...narrow, setting: "off", kvCacheType: "q4_0" }),
    /KV_CACHE_TYPE=f16/,
  );
});

test("a model answers the same with and without flash attention, and says which it has", async () => {
  const engines = (["on", "off"] as const).map(
    (flashAttention) => new InProcessEngine({ modelPath: BUILTIN, flashAttention }),
  );
  const texts = await Promise.all(
    engines.map((engine) => engine.run([continuing("The printer has a warranty of", { maxTokens: 24 })])),
  );
  assert.equal(texts[0]?.[0]?.text, texts[1]?.[0]?.text);
  assert.deepEqual(
    engines.map(({ core }) => core.description.flashAttention.isOn),
    [true, false],
  );
});
