import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { UnavailableError } from "../../../src/errors.ts";
import { parseJudgement } from "../../../src/features/evaluation/judge.ts";
import { criteria, judgePrompt, judgeTemplate } from "../../../src/features/evaluation/judge-prompt.ts";

/** A judge's rationale as the grammar lets it be written: plain characters and JSON's short escapes. */
const written = fc
  .array(
    fc.oneof(
      fc
        .string({ unit: "grapheme", minLength: 1, maxLength: 3 })
        .filter((text) => !/["\\\p{Cc}]/u.test(text)),
      fc.constantFrom('\\"', "\\\\", "\\/", "\\b", "\\f", "\\n", "\\r", "\\t"),
    ),
    { minLength: 1, maxLength: 30 },
  )
  .map((parts) => parts.join(""));
const score = fc.integer({ min: 1, max: 10 });

describe("reading a judge's answer", () => {
  test("a whole answer is read as it is, whatever its rationale ends with", () => {
    fc.assert(
      fc.property(score, written, (given, rationale) => {
        const judgement = parseJudgement(`{"score": ${given}, "rationale": "${rationale}"}`, "clarity");
        assert.deepEqual(judgement, {
          criterion: "clarity",
          score: given,
          rationale: JSON.parse(`"${rationale}"`),
        });
      }),
    );
  });

  test("one cut off anywhere in its rationale keeps its score and the words so far", () => {
    fc.assert(
      fc.property(score, written, fc.nat(), (given, rationale, at) => {
        const start = `{"score": ${given}, "rationale": "`;
        const rest = `${rationale}"`;
        const cut = start + rest.slice(0, at % (rest.length + 1));
        const judgement = parseJudgement(cut, "overall");
        assert.equal(judgement.score, given);
        assert.ok((JSON.parse(`"${rationale}"`) as string).startsWith(judgement.rationale.slice(0, -1)));
      }),
    );
  });

  const without = [
    "",
    "{",
    '{"score": ',
    '{"score": 5',
    "a good answer",
    '{"score": 11, "rationale": "x"}',
    '{"score": 0, "rationale": "x"}',
    '{"score": 7.5, "rationale": "x"}',
    '{"score": "7", "rationale": "x"}',
    '{"score": 7, "rationale": null}',
    "[7]",
    "null",
  ];
  for (const text of without) {
    test(`${JSON.stringify(text)} has no score, and none is invented`, () => {
      assert.throws(
        () => parseJudgement(text, "overall"),
        (error) => error instanceof UnavailableError && error.reason === "judge_failed",
      );
    });
  }
});

test("the prompts of one response differ only after the text that they share", () => {
  const prompts = criteria.map((criterion) =>
    judgePrompt({ prompt: "a question", response: "an answer" }, criterion),
  );
  const shared = "Criterion: ";
  const heads = prompts.map((prompt) => prompt.slice(0, prompt.lastIndexOf(shared)));
  assert.equal(new Set(heads).size, 1);
  assert.equal(new Set(prompts).size, criteria.length);
});

test("a reference stands between the response and the criterion", () => {
  const prompt = judgePrompt({ prompt: "2 + 2?", response: "5", reference: "4" }, "accuracy");
  assert.ok(
    prompt.endsWith(
      "Prompt: 2 + 2?\nResponse: 5\nReference: 4\nCriterion: accuracy - The response is correct and answers the prompt.",
    ),
  );
});

test("a response that spells a placeholder stays what it is", () => {
  const response = "{{criterion}} $& {{prompt}} {{nothing}}";
  assert.ok(judgePrompt({ prompt: "p", response }, "overall").includes(`Response: ${response}\n`));
});

test("the wording is a version of its own: change it, and name another", () => {
  assert.deepEqual(judgeTemplate, {
    version: "judge-v1",
    sha256: "394f9a3b05cc120e82f142f448df51a1f48e3cf2facd1d91f58203e3c79989ab",
  });
});
