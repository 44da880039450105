import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type AnswerToken,
  expectedScore,
  needsAfterOne,
  type ScorePlace,
  scorePlace,
} from "../../../../src/features/evaluation/judges/expected-score.ts";

const ids = new Map<string, number>();

function scored(text: string, probability: number) {
  const token = ids.get(text) ?? ids.size;
  ids.set(text, token);
  return { token, logprob: Math.log(probability), bytes: Buffer.from(text) };
}

/** A token of an answer, with the likeliest others in its place. */
function token(text: string, places: Readonly<Record<string, number>> = { [text]: 1 }): AnswerToken {
  const top = Object.entries(places).map(([other, probability]) => scored(other, probability));
  return { ...scored(text, places[text] ?? 0.001), top };
}

function place(tokens: readonly AnswerToken[]): ScorePlace {
  const found = scorePlace(tokens);
  assert.ok(found !== undefined);
  return found;
}

function close(actual: number | undefined, expected: number): void {
  assert.ok(actual !== undefined && Math.abs(actual - expected) < 1e-9, `${actual} is not ${expected}`);
}

const head = ['{"', "score", '":', " "].map((text) => token(text));
const tail = [token(","), token(' "rationale'), token('": "x"}')];

test("is the mean of the scores by their probabilities, and what is not a score does not count", () => {
  close(
    expectedScore(place([...head, token("8", { "8": 0.5, "9": 0.3, "7": 0.1, x: 0.1 }), ...tail])),
    (4 + 2.7 + 0.7) / 0.9,
  );
});

test("is read where a token holds the space before the score, or the comma after it", () => {
  const spaced = [...head.slice(0, 3), token(" 8", { " 8": 0.6, " 10": 0.4, "8": 0.3 }), ...tail];
  close(expectedScore(place(spaced)), 4.8 + 4);
  const merged = [...head, token("9,", { "9,": 0.5, "1,": 0.25, "10,": 0.25 })];
  close(expectedScore(place(merged)), 4.5 + 0.25 + 2.5);
  const whole = [token('{"score": 4', { '{"score": 4': 0.5, '{"score": 6': 0.5 }), ...tail];
  close(expectedScore(place(whole)), 5);
});

test("tells 10 as one token from 1", () => {
  close(expectedScore(place([...head, token("10", { "10": 0.7, "1": 0.3 }), ...tail])), 7.3);
});

test("splits a lone 1 by what follows it, when the answer went that way", () => {
  const ten = [...head, token("1", { "1": 0.8, "5": 0.2 }), token("0", { "0": 0.75, ",": 0.25 }), ...tail];
  close(expectedScore(place(ten)), 0.8 * (7.5 + 0.25) + 1);
});

test("asks what would follow a lone 1 when the answer went another way, and tells nothing without", () => {
  const found = place([...head, token("7", { "7": 0.6, "1": 0.4 }), ...tail]);
  assert.equal(needsAfterOne(found), true);
  assert.deepEqual(
    found.one?.tokens,
    [...head, scored("1", 1)].map(({ token: id }) => id),
  );
  assert.equal(expectedScore(found), undefined);
  close(expectedScore(found, token("0", { "0": 0.5, ",": 0.5 })), 4.2 + 0.4 * 5.5);
});

test("does not ask for a 1 that is next to impossible", () => {
  const found = place([...head, token("7", { "7": 0.9999, "1": 0.0001 }), ...tail]);
  assert.equal(needsAfterOne(found), false);
  close(expectedScore(found), 0.9999 * 7 + 0.0001);
});

test("there is none without a score", () => {
  assert.equal(scorePlace([token("I"), token(" like"), token(" it")]), undefined);
  assert.equal(scorePlace(head), undefined);
  assert.equal(scorePlace([]), undefined);
});
