import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Capacity } from "../../../src/instruments/planner/schema.ts";
import { assertError } from "../../support/envelope.ts";
import { run } from "../../support/run.ts";
import { json, startServer, type TestServer } from "../../support/server.ts";

let server: TestServer;
before(async () => {
  server = await startServer({ env: { CONTEXT_SIZE: "512", MAX_SEQUENCES: "4" } });
});
after(() => server[Symbol.asyncDispose]());

/** Few users and simulations: a test asks whether the answer is right, not whether it is precise. */
const quick = { simulations: 2, max_users: 6, think_seconds: 0.2 };
const ask = (body: object) => server.post("/v1/capacity", { ...quick, ...body });

test("without steps nothing is predicted, and the way to have some is named", async () => {
  const { error } = await assertError(await ask({}), { status: 409, code: "conflict" });
  assert.equal(error.param, "calibrate");
});

test("after a calibration users are predicted, with what is not known said beside", async () => {
  const found = await json<Capacity>(ask({ calibrate: true, users: [3] }));
  assert.ok(found.fits.users >= 1, found.sentence);
  assert.match(found.sentence, /^This server fits /);
  assert.ok(found.steps.count >= 50 && found.steps.largest_batch >= 4);
  assert.ok(found.points.some(({ users }) => users === 3));
  assert.equal(found.error, null);
  assert.ok(found.caveats.some((caveat) => caveat.startsWith("The error is unknown")));
});

test("once requests were answered, they are simulated again and the error is beside the figures", async () => {
  const one = (index: number) =>
    server.post("/v1/completions", {
      prompt: `Tale ${index} of`,
      max_tokens: 12,
      temperature: 1,
      seed: index,
    });
  for (let round = 0; round < 6; round++)
    await Promise.all([0, 1, 2, 3].map((index) => one(4 * round + index)));
  const { error, points } = await json<Capacity>(ask({ traffic: { from: "ledger" } }));
  assert.equal(error?.requests, 24);
  for (const { measured_ms, predicted_ms, error: share } of [
    error?.latency.p50,
    error?.time_to_first_token.p95,
  ].flatMap((each) => each ?? [])) {
    assert.ok(measured_ms > 0 && predicted_ms > 0);
    assert.ok(Math.abs(predicted_ms / measured_ms - 1 - share) < 0.01);
  }
  assert.ok(points.length > 0);
});

test("traffic that can't be had and models that are not there are refused by name", async () => {
  const bad = [
    { body: { traffic: { prompt_tokens: 500, completion_tokens: 100 } }, param: "traffic" },
    { body: { traffic: { prompt_tokens: 100, shared_tokens: 101 } }, param: "traffic.shared_tokens" },
  ];
  for (const { body, param } of bad) {
    const { error } = await assertError(await ask(body), { status: 400, code: "invalid_request" });
    assert.equal(error.param, param);
  }
  await assertError(await ask({ model: "none" }), { status: 404, code: "not_found" });
});

test("npm run capacity prints the answer of a running server, and why there is none", async () => {
  const capacity = (...more: string[]) =>
    run(server.directory, {}, ["capacity", "--server", server.url, ...more]);
  const { exitCode, output } = await capacity("--think", "0.2", "--prompt", "50");
  assert.equal(exitCode, 0, output);
  assert.match(output, /This server fits (more than the )?\d+/);
  assert.match(output, /users +first token/);
  const refused = await capacity("--prompt", "5000");
  assert.equal(refused.exitCode, 1);
  assert.match(refused.output, /context window/);
});
