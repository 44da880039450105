import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { ErrorEnvelope } from "../../../src/http/error-envelope.ts";
import { assertError } from "../../support/envelope.ts";
import { json, startServer, type TestServer } from "../../support/server.ts";

let server: TestServer;
before(async () => {
  server = await startServer({ env: { CONTEXT_SIZE: "512" } });
});
after(() => server[Symbol.asyncDispose]());

interface Range {
  readonly path: string;
  readonly field: string;
  /** Values just outside the range, or of another type. */
  readonly outside: readonly unknown[];
  /** Values at the range's ends. */
  readonly inside: readonly unknown[];
}

const notNumbers = ["1", null, true, [], {}];
const notTexts = [
  "",
  " \t\r\n\u3000",
  5,
  null,
  true,
  [],
  {},
  "\ud800",
  "a\udc00b",
  "a\0b",
  "x".repeat(200_001),
];
const chat = { prompt: "Once", raw: true, max_new_tokens: 1 };
const evaluate = { prompt: "Once", response: "upon" };

const ranges: readonly Range[] = [
  { path: "/chat", field: "prompt", outside: notTexts, inside: ["a", "\u00e9", "\u{1F600}", "\uFFFE"] },
  {
    path: "/chat",
    field: "max_new_tokens",
    outside: [0, 1025, -1, 1.5, ...notNumbers.filter((value) => value !== null)],
    inside: [1, 1024, 2.0, null],
  },
  { path: "/chat", field: "temperature", outside: [-0.001, 2.001, ...notNumbers], inside: [0, 2] },
  { path: "/chat", field: "top_p", outside: [-0.001, 1.001, ...notNumbers], inside: [0, 1] },
  {
    path: "/chat",
    field: "top_k",
    outside: [-1, 1.5, 1_000_001, ...notNumbers],
    inside: [0, 1, 1_000_000],
  },
  { path: "/chat", field: "min_p", outside: [-0.001, 1.001, ...notNumbers], inside: [0, 1] },
  { path: "/chat", field: "repeat_penalty", outside: [0, 10.001, ...notNumbers], inside: [0.001, 10] },
  {
    path: "/chat",
    field: "seed",
    outside: [-1, 2 ** 32, 1.5, ...notNumbers],
    inside: [0, 2 ** 32 - 1],
  },
  {
    path: "/chat",
    field: "stop",
    outside: ["", 5, null, {}, [""], [5], "\ud800", ["a\0"], Array(17).fill("x"), "x".repeat(1001)],
    inside: ["x", [], Array(16).fill("x"), "x".repeat(1000)],
  },
  { path: "/chat", field: "mode", outside: ["Refine", "", 1, null, []], inside: ["single"] },
  { path: "/chat", field: "refine_steps", outside: [0, 4, 1.5, ...notNumbers], inside: [1, 3] },
  { path: "/chat", field: "critique_temperature", outside: [-0.001, 2.001, ...notNumbers], inside: [0, 2] },
  { path: "/chat", field: "stream", outside: ["true", 1, 0, null, []], inside: [true, false] },
  { path: "/chat", field: "raw", outside: ["true", 1, 0, null, []], inside: [true, false] },
  { path: "/evaluate", field: "prompt", outside: notTexts, inside: ["a"] },
  { path: "/evaluate", field: "response", outside: notTexts, inside: ["a"] },
  {
    path: "/evaluate",
    field: "criteria",
    outside: [[], "overall", null, {}, ["overall", "overall"], ["Overall"], [1], Array(6).fill("clarity")],
    inside: [["overall"], ["overall", "accuracy", "clarity", "reasoning", "factuality"]],
  },
];

for (const { path, field, outside, inside } of ranges) {
  const valid = path === "/chat" ? chat : evaluate;
  for (const prefix of ["", "/v1"]) {
    test(`${prefix}${path} refuses ${field} just outside its range, and names it`, async () => {
      for (const value of outside) {
        const response = await server.post(prefix + path, { ...valid, [field]: value });
        const { error } = await assertError(response, { status: 400, code: "invalid_request" });
        assert.match(error.param ?? "", new RegExp(`^${field}(\\[\\d+\\])?$`));
        assert.ok(error.message.startsWith(error.param ?? "?"), error.message);
        const { errors } = error.details as { errors: Array<{ path: string; message: string }> };
        assert.ok(errors[0]?.path.startsWith(`/${field}`), JSON.stringify(errors));
      }
    });
  }
  test(`${path} takes ${field} at the ends of its range`, async () => {
    for (const value of inside) {
      const response = await server.post(path, { ...valid, [field]: value });
      if (response.status === 200) await response.text();
      else {
        // The largest values are in range and still too much for this model's small window.
        const { error } = await json<ErrorEnvelope>(response);
        assert.equal(error.code, "context_length_exceeded", `${JSON.stringify(value)}: ${error.message}`);
      }
    }
  });
}

for (const [path, field] of [
  ["/chat", "prompt"],
  ["/evaluate", "prompt"],
  ["/evaluate", "response"],
] as const) {
  test(`${path} without ${field} says that it is required`, async () => {
    const body: Record<string, unknown> = { ...evaluate, [field]: undefined };
    const { error } = await assertError(await server.post(path, body), {
      status: 400,
      code: "invalid_request",
      param: field,
    });
    assert.equal(error.message, `${field} is required`);
  });
}

for (const [field, value, message] of [
  ["stop", 5, "stop must be a string or array"],
  ["stop", "", "stop must have at least 1 character"],
  ["stop", ["a", ""], "stop[1] must have at least 1 character"],
  ["stop", ["a", 5], "stop[1] must be a string"],
  ["stop", Array(17).fill("x"), "stop must have at most 16 items"],
  ["criteria", [], "criteria must have at least 1 item"],
  ["criteria", ["overall", "overall"], "criteria must not have the same item twice"],
] as const) {
  test(`${field} = ${JSON.stringify(value)} is refused as what it is`, async () => {
    const [path, valid] = field === "criteria" ? ["/evaluate", evaluate] : ["/chat", chat];
    const { error } = await json<ErrorEnvelope>(server.post(path, { ...valid, [field]: value }));
    assert.equal(error.message, message);
    assert.deepEqual((error.details as { errors: unknown[] }).errors.length, 1);
  });
}

test("a number too large for a double is refused", async () => {
  const response = await server.post("/chat", '{"prompt":"a","temperature":1e999}');
  await assertError(response, { status: 400, code: "invalid_request", param: "temperature" });
});

test("several mistakes are listed together", async () => {
  const response = await server.post("/chat", { prompt: "", temperature: 3, top_p: "x", seed: -1 });
  const { error } = await assertError(response, { status: 400, code: "invalid_request" });
  const { errors } = error.details as { errors: Array<{ path: string }> };
  assert.deepEqual(errors.map(({ path }) => path).sort(), ["/prompt", "/seed", "/temperature", "/top_p"]);
});
