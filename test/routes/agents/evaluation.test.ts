/** The model is a fake of random weights that is told what to say (`scripted-tokens.ts`). */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  CHATML,
  chatmlCall,
  makeScriptedModels,
  type ScriptedModels,
} from "../../support/scripted-server.ts";
import { json, type TestServer, until } from "../../support/server.ts";

const answers = [
  { when: [], rest: "I don't know." },
  { when: ["What is 6 times 7"], rest: chatmlCall("calculator", { expression: "6 * 7" }) },
  { when: ["What is 6 times 7", "<tool_response>\n42"], rest: "42" },
  { when: ["What is 2 plus 2"], rest: "5" },
];
let models: ScriptedModels;
let server: TestServer;
before(async () => {
  models = await makeScriptedModels({ scripted: { template: CHATML, answers } });
  server = await models.start();
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await models[Symbol.asyncDispose]();
});

test("agents are evaluated by their answers and their calls, with pass@1 and pass^k", async () => {
  const { id } = await json<{ id: string }>(
    server.post("/v1/agents", { model: "scripted", tools: [{ type: "calculator" }] }),
  );
  const { dataset_id } = await json<{ dataset_id: string }>(
    server.post("/v1/datasets", {
      name: "sums",
      type: "eval_set",
      records: [
        {
          input: { prompt: "What is 6 times 7?" },
          reference: { answer: "42" },
          expected: { calls: [{ name: "calculator", arguments: { expression: "6 * 7" } }] },
        },
        {
          input: { prompt: "What is 2 plus 2?" },
          reference: { answer: "4" },
          expected: { calls: ["calculator"] },
        },
      ],
    }),
  );
  const body = { dataset_id, task: "agent", agent_id: id, attempts: 2, metrics: { exact_match: {} } };
  const made = await server.post("/v1/batch-evals", body);
  assert.equal(made.status, 202, await made.clone().text());
  const { run_id } = await json<{ run_id: string }>(made);
  const path = `/v1/batch-evals/${run_id}`;
  await until(async () => {
    const { status } = await json<{ status: string }>(server.get(path));
    return status.startsWith("completed");
  });
  type Measured = {
    readonly output: string;
    readonly metrics: Record<string, number>;
    readonly metric_details: {
      readonly attempts: ReadonlyArray<{ readonly steps: number; readonly calls: unknown[] }>;
    };
  };
  const { data } = await json<{ data: ReadonlyArray<{ measurement: Measured }> }>(
    server.get(`${path}/records`),
  );
  const measured = data.map(({ measurement }) => measurement);
  assert.deepEqual(
    measured.map(({ output, metrics }) => [output, metrics]),
    [
      ["42", { exact_match: 1, calls: 1, pass_at_1: 1, pass_all: 1 }],
      ["5", { exact_match: 0, calls: 0, pass_at_1: 0, pass_all: 0 }],
    ],
  );
  assert.deepEqual(
    measured[0]?.metric_details.attempts.map(({ steps, calls }) => [steps, calls.length]),
    [
      [2, 1],
      [2, 1],
    ],
  );
  const { summary } = await json<{ summary: { pass_rate: number } }>(server.get(`${path}/result`));
  assert.equal(summary.pass_rate, 0.5);
});

test("a run of agents names its agent, and no other run does", async () => {
  const refused = async (body: object) => {
    const response = await server.post("/v1/batch-evals", { dataset_id: "ds_1", ...body });
    return (await json<{ error: { param: string } }>(response)).error.param;
  };
  assert.equal(await refused({ task: "agent" }), "agent_id");
  assert.equal(await refused({ agent_id: "agent_1", criteria: ["overall"] }), "agent_id");
});
