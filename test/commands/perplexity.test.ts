import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import reference from "../support/likelihood/perplexity.json" with { type: "json" };
import { skipWithoutStories, TEST_MODEL } from "../support/model.ts";
import { run } from "../support/run.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const text = fileURLToPath(new URL(`../support/likelihood/${reference.text}`, import.meta.url));
const env = { MODEL_NAME: TEST_MODEL };

test("a file's perplexity is llama-perplexity's, with its progress", {
  skip: skipWithoutStories,
}, async (context) => {
  const directory = await temporaryDirectory(context);
  for (const { window, windows, perplexity } of reference.stories260K) {
    const { exitCode, output } = await run(directory, env, ["perplexity", text, "--window", String(window)]);
    assert.equal(exitCode, 0, output);
    assert.match(output, new RegExp(`Scoring: 1 of ${windows} windows`));
    const [, found, count] = output.match(/perplexity ([\d.]+) of \d+ tokens in (\d+) windows/) ?? [];
    assert.equal(Number(count), windows);
    assert.ok(Math.abs(Number(found) / perplexity - 1) < 0.01, output);
  }
});

test("an impossible window, too little text and a missing file are refused", async (context) => {
  const directory = await temporaryDirectory(context);
  const refused = async (args: readonly string[], exitCode: number, words: RegExp) => {
    const result = await run(directory, env, ["perplexity", ...args]);
    assert.equal(result.exitCode, exitCode, result.output);
    assert.match(result.output, words);
  };
  await refused([], 2, /Usage: npm run perplexity -- FILE/);
  await refused([text, "--window", "7"], 2, /--window must be/);
  await refused([text, "--window", "100000"], 1, /two windows of 100000 are needed/);
  await refused(["nowhere.txt"], 1, /nowhere\.txt/);
});
