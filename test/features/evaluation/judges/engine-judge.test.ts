import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { chatModel } from "../../../../src/assistant/template/chat-model.ts";
import { Judge } from "../../../../src/features/evaluation/judge.ts";
import { criteria, judgePrompt } from "../../../../src/features/evaluation/judge-prompt.ts";
import { EngineJudge } from "../../../../src/features/evaluation/judges/engine-judge.ts";
import type { LocalEngine } from "../../../../src/inference/generation/engine.ts";
import { EngineModel } from "../../../support/engine-model.ts";
import { startLocalEngine } from "../../../support/local-engine.ts";
import { BUILTIN } from "../../../support/model.ts";

let engine: LocalEngine;
let model: EngineModel;
before(async () => {
  engine = await startLocalEngine({ modelPath: BUILTIN });
  model = new EngineModel(BUILTIN);
});
after(async () => {
  model.free();
  await engine.close(0);
});

const options = () => ({ arrivedAt: performance.now(), signal: new AbortController().signal });
const pairs = [
  { prompt: "What is 3 + 4?", response: "3 + 4 = 7." },
  { prompt: "What is 3 + 4?", response: "3 + 4 = 9." },
  { prompt: "What is the capital of France?", response: "banana banana purple seven" },
];

function probabilities(row: Float32Array): number[] {
  const max = Math.max(...row);
  const weights = [...row].map((logit) => Math.exp(logit - max));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

/** Σ score · P(score) over all tokens of the vocabulary that can begin a score, from logits computed apart. */
async function expectedApart(question: string): Promise<number> {
  const prompt = chatModel(engine).template.render([{ role: "user", content: question }]);
  const begun = await engine.tokenize({
    parts: [...prompt.parts, { type: "text", text: '{"score": ', parseSpecial: false }],
    addBos: prompt.addBos,
  });
  const { isOn } = engine.describe().flashAttention;
  const next = (tokens: readonly number[]) =>
    probabilities(model.logits(tokens, "f16", tokens.length, isOn).at(-1) as Float32Array);
  const shares = new Array<number>(11).fill(0);
  for (const [token, probability] of next(begun).entries()) {
    const text = model.model.vocabulary.piece(token).toString("latin1");
    const score = /^(10|[1-9])(?!\d)/.exec(text)?.[1];
    if (score !== undefined && text !== "1")
      shares[Number(score)] = (shares[Number(score)] as number) + probability;
    if (text !== "1") continue;
    let [zero, end] = [0, 0];
    for (const [follower, share] of next([...begun, token]).entries()) {
      const after = model.model.vocabulary.piece(follower).toString("latin1");
      if (after.startsWith("0")) zero += share;
      if (/^[\s,}]/.test(after)) end += share;
    }
    shares[10] = (shares[10] as number) + (probability * zero) / (zero + end);
    shares[1] = (shares[1] as number) + (probability * end) / (zero + end);
  }
  const total = shares.reduce((sum, share) => sum + share, 0);
  return shares.reduce((mean, share, score) => mean + (score * share) / total, 0);
}

test("the expected score is the one that the model's own logits give", async () => {
  const judge = new EngineJudge(chatModel(engine));
  for (const pair of pairs) {
    for (const criterion of ["accuracy", "clarity"] as const) {
      const question = judgePrompt(pair, criterion);
      const { expectedScore } = await judge.ask(question, options());
      const expected = await expectedApart(question);
      assert.ok(
        expectedScore !== undefined && Math.abs(expectedScore - expected) < 0.05,
        `${expectedScore} ${expected}`,
      );
    }
  }
});

test("an answer gets more than noise", async () => {
  const judge = new Judge(new EngineJudge(chatModel(engine)));
  const scores: number[] = [];
  for (const pair of pairs) {
    const { scores: given } = await judge.evaluate({ ...pair, criteria: ["overall"] }, options());
    scores.push(given[0]?.score_expected ?? Number.NaN);
  }
  // This model can't tell a right sum from a wrong one.
  const [right = 0, wrong = 0, noise = 0] = scores;
  assert.ok(right > noise && wrong > noise, String(scores));
});

test("criteria of one response share all that comes before them, and another response the instructions", async () => {
  const judge = new Judge(new EngineJudge(chatModel(engine)));
  const long = { prompt: "Tell me about the sea.", response: "The sea is deep and blue. ".repeat(5) };
  await judge.evaluate({ ...long, criteria: ["overall"] }, options());
  const { usage } = await judge.evaluate({ ...long, criteria: criteria.slice(0, 4) }, options());
  const [first = "", second = ""] = [judgePrompt(long, "accuracy"), judgePrompt(long, "clarity")];
  const shared = model.tokenize(first.slice(0, first.lastIndexOf("Criterion"))).length;
  assert.ok(usage.cached_prompt_tokens >= 4 * (shared - 4), `${usage.cached_prompt_tokens} of 4 × ${shared}`);
  assert.notEqual(first, second);

  const other = await judge.evaluate(
    { prompt: "And the sky?", response: "It is up.", criteria: ["overall"] },
    options(),
  );
  const instructions = model.tokenize(first.slice(0, first.indexOf("Prompt: "))).length;
  assert.ok(other.usage.cached_prompt_tokens >= instructions - 4, JSON.stringify(other.usage));
});
