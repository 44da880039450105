import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { ApiError } from "../../../../src/errors.ts";
import {
  continuationLikelihood,
  textLikelihood,
} from "../../../../src/features/evaluation/likelihood/likelihood.ts";
import { multipleChoice } from "../../../../src/features/evaluation/likelihood/multiple-choice.ts";
import { windowedPerplexity } from "../../../../src/features/evaluation/likelihood/windowed-perplexity.ts";
import type { LocalEngine } from "../../../../src/inference/generation/engine.ts";
import { EngineModel } from "../../../support/engine-model.ts";
import reference from "../../../support/likelihood/perplexity.json" with { type: "json" };
import { startLocalEngine } from "../../../support/local-engine.ts";
import { skipWithoutStories, TEST_MODEL } from "../../../support/model.ts";

let engine: LocalEngine;
let model: EngineModel;
before(async () => {
  engine = await startLocalEngine();
  model = new EngineModel(TEST_MODEL);
});
after(async () => {
  model.free();
  await engine.close(0);
});

const context = "Once upon a time, there was a little girl named";
const continuation = " Lily. She loved to play outside.";

/** Log-probability of each of `tokens` but the first, from logits computed apart, in double precision. */
function logprobs(tokens: readonly number[]): number[] {
  const rows = model.logits(tokens, "f16", tokens.length, engine.describe().flashAttention.isOn);
  return tokens.slice(1).map((token, index) => {
    const row = [...(rows[index] as Float32Array)];
    const max = Math.max(...row);
    return (
      (row[token] as number) - max - Math.log(row.reduce((sum, logit) => sum + Math.exp(logit - max), 0))
    );
  });
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function isInvalid(error: unknown): boolean {
  return error instanceof ApiError && error.code === "invalid_request";
}

function close(actual: number, expected: number, tolerance = 2e-3): void {
  assert.ok(Math.abs(actual - expected) <= tolerance * Math.abs(expected), `${actual} is not ${expected}`);
}

describe("likelihood", () => {
  test("of a continuation is the sum over its tokens of the model's own log-probabilities", async () => {
    const whole = model.tokenize(context + continuation, { addSpecial: true });
    const own = whole.length - model.tokenize(context, { addSpecial: true }).length;
    const expected = sum(logprobs(whole).slice(-own));
    const found = await continuationLikelihood(engine, context, continuation);
    assert.equal(found.tokens, own);
    close(found.logprob, expected);
    close(found.perplexity, Math.exp(-expected / own));
    close(found.bitsPerByte, -expected / Math.LN2 / continuation.length);
  });

  test("of a text is over all its tokens that something predicts", async () => {
    const tokens = model.tokenize(context + continuation, { addSpecial: true });
    const found = await textLikelihood(engine, context + continuation);
    assert.equal(found.tokens, tokens.length - 1);
    close(found.logprob, sum(logprobs(tokens)));
  });

  test("spaces at the end of a context belong to the continuation", async () => {
    const moved = await continuationLikelihood(engine, `${context} `, continuation.trimStart());
    const plain = await continuationLikelihood(engine, context, continuation);
    assert.equal(moved.tokens, plain.tokens);
    close(moved.logprob, plain.logprob);
  });

  test("after nothing is that of the text after the token that begins one", async () => {
    const text = "Once upon a time";
    const { bosText, eosText } = engine.describe();
    const start = model.tokenize(bosText || eosText, { parseSpecial: true });
    const tokens = [...start, ...model.tokenize(text)];
    const found = await continuationLikelihood(engine, "", text);
    assert.equal(found.tokens, tokens.length - start.length);
    close(found.logprob, sum(logprobs(tokens).slice(start.length - 1)));
  });

  test("what greedy decoding writes is greedy, and other texts are not", async () => {
    const prompt = { parts: [{ type: "text", text: context, parseSpecial: false }], addBos: true } as const;
    let written = "";
    const request = {
      prompt,
      maxTokens: 12,
      sampling: { temperature: 0, seed: 0 },
      stop: [],
    } as const;
    for await (const event of engine.generate(request)) if (event.type === "text") written += event.text;
    assert.equal((await continuationLikelihood(engine, context, written)).isGreedy, true);
    assert.equal((await continuationLikelihood(engine, context, " zebra quantum")).isGreedy, false);
  });

  test("takes the context from the cache when it was scored before", async () => {
    const shared = `${context} Tim. `.repeat(6);
    const first = await continuationLikelihood(engine, shared, "He was sad.");
    const second = await continuationLikelihood(engine, shared, "They ran home.");
    const again = await continuationLikelihood(engine, shared, "He was sad.");
    assert.ok(second.usage.cachedPromptTokens > second.usage.promptTokens / 2, JSON.stringify(second.usage));
    close(again.logprob, first.logprob, 0.02);
  });

  test("nothing to score is an error", async () => {
    await assert.rejects(continuationLikelihood(engine, context, ""), isInvalid);
    await assert.rejects(textLikelihood(engine, ""), isInvalid);
  });
});

describe("multiple choice by likelihood", () => {
  const choices = [
    "park to play with her friends.",
    "zoo",
    "qzx of the zyx",
    "big red ball in the sky and the moon and the stars",
  ];
  const task = { context: "Lily went to the", choices, answer: 0 };

  test("chooses by the sum, and by the sum a character", async () => {
    const result = await multipleChoice(engine, task);
    const sums = await Promise.all(
      choices.map(
        async (choice) => (await continuationLikelihood(engine, task.context, ` ${choice}`)).logprob,
      ),
    );
    for (const [index, { logprob }] of result.choices.entries()) close(logprob, sums[index] as number, 0.02);
    assert.equal(result.chosen, sums.indexOf(Math.max(...sums)));
    const scaled = sums.map((value, index) => value / (choices[index] as string).length);
    assert.equal(result.chosenNormalized, scaled.indexOf(Math.max(...scaled)));
    assert.deepEqual(
      [result.acc, result.accNorm],
      [Number(result.chosen === 0), Number(result.chosenNormalized === 0)],
    );
    // A long right answer loses by the sum and wins by the character.
    assert.notEqual(result.chosen, result.chosenNormalized);
  });

  test("of two choices that are as likely it takes the first", async () => {
    const result = await multipleChoice(engine, { context: "Lily", choices: ["went", "went"], answer: 1 });
    assert.deepEqual([result.chosen, result.acc], [0, 0]);
  });
});

describe("perplexity in windows", { skip: skipWithoutStories }, () => {
  for (const { window, windows, perplexity } of reference.stories260K) {
    test(`of ${window} tokens is llama-perplexity's within 1 %`, async () => {
      const text = await readFile(
        new URL(`../../../support/likelihood/${reference.text}`, import.meta.url),
        "utf8",
      );
      const found = await windowedPerplexity(engine, text, window);
      assert.equal(found.windows, windows);
      assert.equal(found.tokens, windows * (window / 2 - 1));
      close(found.perplexity, perplexity, 0.01);
    });
  }

  test("a text that fills less than two windows is refused", async () => {
    await assert.rejects(windowedPerplexity(engine, "too short", 128), isInvalid);
  });
});
