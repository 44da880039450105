import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { LookJob } from "../../../src/inference/microscope/job.ts";
import { Microscope } from "../../../src/inference/microscope/microscope.ts";
import { resolveModel } from "../../../src/models/resolve.ts";
import { makeCheckpoint } from "../../support/checkpoint.ts";
import { hubWorkplace } from "../../support/hub-workplace.ts";
import { BUILTIN } from "../../support/model.ts";
import { SeededRandom } from "../../support/random.ts";
import { referenceLogits } from "../../support/reference-model.ts";

const never = new AbortController().signal;

const jobFor = (modelPath: string, tokens: readonly number[], rest: Partial<LookJob> = {}): LookJob => ({
  libraryDirectory: undefined,
  modelPath,
  adapter: undefined,
  threads: 1,
  isFlashAttention: true,
  prompt: { parts: [{ type: "tokens", tokens }], addBos: false },
  answer: undefined,
  maxTokens: 0,
  sampling: { temperature: 0, seed: 0 },
  layer: undefined,
  head: undefined,
  ...rest,
});

test("what heads attend to is what a forward pass of its own says, chunk after chunk", async (context) => {
  const { hub, directory, options } = await hubWorkplace(context);
  const checkpoint = makeCheckpoint(join(directory, "checkpoint"), { family: "llama" });
  const files = readdirSync(checkpoint.directory).map((file) => [
    file,
    readFileSync(join(checkpoint.directory, file)),
  ]);
  hub.add("org/model", Object.fromEntries(files));
  const { path } = await resolveModel("org/model:F32", options);
  const random = new SeededRandom(3);
  const tokens = Array.from({ length: 40 }, () => random.integer(400));
  const expected: number[][] = [];
  referenceLogits(checkpoint, tokens, "F64", (layer, head, position, weights) => {
    if (layer === 1 && head === 1) expected[position] = [...weights];
  });
  const { attention } = await new Microscope().look(jobFor(path, tokens, { layer: 1, head: 1 }), never);
  assert.equal(attention?.rows.length, tokens.length);
  for (const [position, row] of (attention?.rows ?? []).entries())
    for (const [key, weight] of row.entries())
      assert.ok(Math.abs(weight - (expected[position]?.[key] ?? 2)) < 2e-3, `${position} to ${key}`);
});

test("a look that takes too long, or that its client leaves, is ended", async () => {
  const microscope = new Microscope({ timeMs: 1 });
  await assert.rejects(microscope.look(jobFor(BUILTIN, [1, 2]), never), /took longer than 0.001 s/);
  const leaving = new AbortController();
  const left = microscope.look(jobFor(BUILTIN, [1, 2]), leaving.signal);
  leaving.abort();
  await assert.rejects(left, /left before/);
});
