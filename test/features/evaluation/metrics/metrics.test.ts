import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import fc from "fast-check";
import { InvalidRequestError, UnavailableError } from "../../../../src/errors.ts";
import { longestCommonSubsequence } from "../../../../src/features/evaluation/metrics/longest-common-subsequence.ts";
import type { MetricTools } from "../../../../src/features/evaluation/metrics/metric.ts";
import { numbersIn } from "../../../../src/features/evaluation/metrics/numeric.ts";
import {
  type MetricName,
  metrics,
  scoreMetric,
} from "../../../../src/features/evaluation/metrics/registry.ts";
import { Sandbox } from "../../../../src/features/evaluation/sandbox/sandbox.ts";
import { installedEmbedder } from "../../../support/embedder.ts";

const tools: MetricTools = { sandbox: new Sandbox(), embedder: installedEmbedder() };
after(async () => {
  await Promise.all([tools.embedder.close(0), tools.sandbox.close()]);
});

type Options = Readonly<Record<string, unknown>>;

async function value(
  name: MetricName,
  response: string,
  reference?: string,
  options?: Options,
): Promise<number> {
  return (await scoreMetric(name, { response, reference, ...(options !== undefined && { options }) }, tools))
    .value;
}

async function details(name: MetricName, response: string, reference?: string, options?: Options) {
  return (await scoreMetric(name, { response, reference, ...(options !== undefined && { options }) }, tools))
    .details;
}

function namesOption(param: string, said: RegExp) {
  return (error: unknown) =>
    error instanceof InvalidRequestError && error.param === param && said.test(error.message);
}

describe("every metric", () => {
  const names = (Object.keys(metrics) as MetricName[]).filter(
    (name) => metrics[name].needsReference && name !== "numeric" && name !== "embedding_similarity",
  );

  test("is 1 for the reference itself and between 0 and 1 for anything", async () => {
    const text = fc.string({ unit: "grapheme", maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...names), text, text, async (name, response, reference) => {
        const score = await value(name, response, reference);
        assert.ok(score >= 0 && score <= 1 + 1e-12, String(score));
        const own = await value(name, `answer ${response}`, `answer ${response}`);
        assert.ok(Math.abs(own - 1) < 1e-9, `${name} ${own}`);
      }),
      { numRuns: 300 },
    );
  });

  test("leaves others their turn while it measures the longest texts", async () => {
    const text = "a ".repeat(100_000).trim();
    for (const name of ["rouge_l", "chrf"] as const) {
      let turns = 0;
      let isMeasured = false;
      const measuring = value(name, text, text).finally(() => {
        isMeasured = true;
      });
      for (; !isMeasured; turns++) await setImmediate();
      assert.ok(Math.abs((await measuring) - 1) < 1e-9, name);
      assert.ok(turns > 5, `${name}: ${turns}`);
    }
  });

  test("that needs a reference says so when there is none", async () => {
    for (const name of names)
      await assert.rejects(value(name, "x"), namesOption("reference", /needs a reference/));
  });
});

test("exact match forgives white space around the answer and nothing else", async () => {
  assert.equal(await value("exact_match", " Paris\n", "Paris"), 1);
  assert.equal(await value("exact_match", "paris", "Paris"), 0);
});

describe("ROUGE-L", () => {
  test("the longest common subsequence is that of the textbook's table", async () => {
    const table = (a: readonly string[], b: readonly string[]): number => {
      let above = new Array<number>(b.length + 1).fill(0);
      for (const row of a) {
        const lengths = [0];
        for (const [column, item] of b.entries())
          lengths.push(
            item === row
              ? (above[column] as number) + 1
              : Math.max(above[column + 1] as number, lengths[column] as number),
          );
        above = lengths;
      }
      return above.at(-1) as number;
    };
    // Long enough for several blocks of 32, and for carries between them.
    const list = (...letters: readonly string[]) =>
      fc.array(fc.constantFrom(...letters), { maxLength: 150, size: "max" });
    for (const letters of [["a"], ["a", "b"], ["a", "b", "c", "d", "e", "f", "g", "h"]]) {
      await fc.assert(
        fc.asyncProperty(list(...letters), list(...letters), async (a, b) =>
          assert.equal(await longestCommonSubsequence(a, b), table(a, b)),
        ),
        { numRuns: 200 },
      );
    }
  });

  test("other scripts count when asked for", async () => {
    assert.equal(await value("rouge_l", "Привет мир", "Привет мир"), 0);
    assert.equal(await value("rouge_l", "Привет мир", "Привет, мир!", { letters: "unicode" }), 1);
  });
});

describe("numeric tolerance", () => {
  test("finds the numbers that a text writes", () => {
    assert.deepEqual(
      numbersIn("It is 1,234,567.5 or -3e2, not 1969-1972; .5 and x=-7 and \u22122"),
      [1_234_567.5, -300, 1969, 1972, 0.5, -7, -2],
    );
    assert.deepEqual(numbersIn("none, and a-b."), []);
    assert.deepEqual(numbersIn("1,2,3"), [1, 2, 3]);
  });

  test("takes the last number, the first, or the only one", async () => {
    const text = "6 times 7 is 42.";
    assert.equal(await value("numeric", text, "42"), 1);
    assert.equal(await value("numeric", text, "6", { which: "first" }), 1);
    assert.equal(await value("numeric", text, "42", { which: "only" }), 0);
    assert.equal(await value("numeric", "forty-two", "42"), 0);
  });

  test("is within the larger of both tolerances", async () => {
    assert.equal(await value("numeric", "3.14", "3.14159", { absolute: 0.01 }), 1);
    assert.equal(await value("numeric", "3.14", "3.14159", { absolute: 0.001 }), 0);
    assert.equal(await value("numeric", "1010", "1000", { relative: 0.01 }), 1);
    assert.equal(await value("numeric", "1011", "1000", { relative: 0.01 }), 0);
  });

  test("a reference without a number is an error of the record, not a wrong answer", async () => {
    await assert.rejects(value("numeric", "42", "forty-two"), namesOption("reference", /no number/));
  });
});

describe("regular expressions", () => {
  test("match somewhere or the whole response, and tell their groups", async () => {
    assert.equal(await value("regex", "The answer is B.", undefined, { pattern: "answer is [A-D]" }), 1);
    assert.equal(await value("regex", "The answer is B.", undefined, { pattern: "[A-D]", match: "full" }), 0);
    assert.equal(await value("regex", "yes", undefined, { pattern: "YES", flags: "i" }), 1);
    const found = await details("regex", "The answer is B.", undefined, { pattern: "is ([A-D])(x)?" });
    assert.deepEqual(found, { groups: ["B", null] });
  });

  test("one that can't be parsed is the user's error, with the reason", async () => {
    await assert.rejects(
      value("regex", "x", undefined, { pattern: "(" }),
      namesOption("pattern", /Unterminated group/),
    );
    await assert.rejects(value("regex", "x", undefined, {}), namesOption("pattern", /needs a pattern/));
  });

  test("one that would run for years is ended, while the server and other patterns go on", async () => {
    const endless = value("regex", `${"a".repeat(60)}!`, undefined, { pattern: "^(a+)+$" });
    const next = value("regex", "fine", undefined, { pattern: "fine" });
    await assert.rejects(endless, namesOption("pattern", /took longer than it may/));
    assert.equal(await next, 1);
  });

  test("one whose client is gone ends at once", async () => {
    const client = new AbortController();
    const [response, pattern] = [`${"a".repeat(60)}!`, "^(a+)+$"];
    const running = value("regex", response, undefined, { pattern });
    const waiting = scoreMetric(
      "regex",
      { response, reference: undefined, options: { pattern } },
      { ...tools, signal: client.signal },
    );
    const refused = assert.rejects(
      waiting,
      (error) => error instanceof UnavailableError && error.reason === "cancelled",
    );
    client.abort();
    await refused;
    await assert.rejects(running, namesOption("pattern", /took longer than it may/));
  });
});

describe("JSON by a schema", () => {
  const schema = {
    type: "object",
    properties: { city: { type: "string" }, founded: { type: "string", format: "date" } },
    required: ["city"],
  };

  test("is valid, invalid with the places, or no JSON at all", async () => {
    assert.equal(await value("json_schema", '{"city": "Paris"}', undefined, { schema }), 1);
    const invalid = '{"city": 1, "founded": "yesterday"}';
    assert.equal(await value("json_schema", invalid, undefined, { schema }), 0);
    assert.deepEqual(await details("json_schema", invalid, undefined, { schema }), {
      reason: "schema",
      errors: [
        { path: "/city", message: "must be string" },
        { path: "/founded", message: 'must match format "date"' },
      ],
    });
    assert.deepEqual(await details("json_schema", "Paris", undefined, { schema }), { reason: "not_json" });
    assert.equal(await value("json_schema", "[1, 2]"), 1);
  });

  test("is taken out of a code fence when that is allowed", async () => {
    const fenced = '```json\n{"city": "Paris"}\n```';
    assert.equal(await value("json_schema", fenced, undefined, { schema }), 0);
    assert.equal(await value("json_schema", fenced, undefined, { schema, allow_fence: true }), 1);
  });

  test("a schema that means nothing is the user's error, and so is one that takes forever", async () => {
    const asked = (broken: object) =>
      value("json_schema", '"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"', undefined, { schema: broken });
    await assert.rejects(asked({ type: "strnig" }), namesOption("schema", /can't be used/));
    await assert.rejects(
      asked({ $ref: "https://example.org/schema" }),
      namesOption("schema", /can't resolve/),
    );
    await assert.rejects(asked({ type: "string", pattern: "^(a+)+$" }), namesOption("schema", /longer than/));
  });

  test("draft 7 is read as draft 7", async () => {
    const tuple = { $schema: "http://json-schema.org/draft-07/schema#", items: [{ type: "integer" }] };
    assert.equal(await value("json_schema", '["x"]', undefined, { schema: tuple }), 0);
    assert.equal(await value("json_schema", '[1, "x"]', undefined, { schema: tuple }), 1);
  });
});

test("embeddings tell a paraphrase from something else", async () => {
  const reference = "How can I rotate an API key?";
  const same = await value("embedding_similarity", reference, reference);
  const close = await value(
    "embedding_similarity",
    "Keys can be replaced with new ones in the settings.",
    reference,
  );
  const far = await value("embedding_similarity", "The weather is fine today.", reference);
  assert.ok(Math.abs(same - 1) < 1e-5 && close < same && far < close, `${same} ${close} ${far}`);
  assert.equal(await value("embedding_similarity", "", reference), 0);
});
