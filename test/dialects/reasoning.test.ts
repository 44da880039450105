/*
 * What each API's clients may ask of a model's thoughts. The models have published chat templates and random weights:
 * engines are told what to say (`scripted-tokens.ts`), by what the prompt holds.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { apis, parameters, type Wish } from "../support/reasoning-apis.ts";
import type { ScriptedAnswer } from "../support/scripted-tokens.ts";
import { json } from "../support/server.ts";
import { modelOf, startTemplateServer, type TemplateServer } from "../support/template-server.ts";

/** Whose prompt names a level of effort, whose has a switch and opens the thought itself, that names a budget, none. */
const levels = "openai-gpt-oss-120b.jinja";
const switched = "Qwen3.5-4B.jinja";
const budgeted = "ByteDance-Seed-OSS.jinja";
const plain = "google-gemma-2-2b-it.jinja";

const think = (thought: string) => ({ thoughts: `<think>\n${thought}\n</think>\n\n`, opening: "<think>\n" });
const call = "<tool_call>\n<function=look>\n<parameter=colour>\nred\n</parameter>\n</function>\n</tool_call>";

const answers: Readonly<Record<string, readonly ScriptedAnswer[]>> = {
  [levels]: ["low", "medium", "high"].map((level) => ({
    when: [`Reasoning: ${level}\n`],
    thoughts: "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant",
    opening: "<|channel|>analysis<|message|>",
    rest: `<|channel|>final<|message|>${level}`,
  })),
  [switched]: [
    { when: ["user"], ...think("Hm, STOP, go on."), rest: "Said STOP and more" },
    { when: ["in JSON"], ...think('Not yet: {"colour": 1}'), rest: '{"colour":"red"}' },
    { when: ["with a call"], ...think("I must call."), rest: call },
    { when: ["at length"], ...think("one two three four five six seven eight nine ten"), rest: "Said" },
    // The prompt has closed the thoughts.
    { when: ["<think>\n\n</think>"], rest: "Said at once" },
  ],
  [budgeted]: [
    { when: ["user"], rest: "no budget" },
    { when: ["complete your thinking within 512 tokens"], rest: "a budget of 512" },
    { when: ["one step without reasoning"], rest: "a budget of 0" },
  ],
  [plain]: [{ when: ["user"], rest: "Just said" }],
};
let started: TemplateServer | string;
before(async () => {
  started = await startTemplateServer(answers);
});
after(async () => {
  if (typeof started !== "string") await started?.[Symbol.asyncDispose]();
});

async function post<T>(path: string, body: object): Promise<T> {
  assert.ok(typeof started !== "string");
  const response = await started.server.post(path, body);
  const answer = await json<T>(response);
  assert.equal(response.status, 200, JSON.stringify(answer));
  return answer;
}
/** The level that gpt-oss knows. */
const known: Readonly<Record<string, string>> = { minimal: "low", xhigh: "high", max: "high" };
const thought = "Hm, STOP, go on.";

test("what of a conversation was changed for the model's template is told in each API", async (t) => {
  if (typeof started === "string") return t.skip(started);
  // Gemma 2 knows no system messages.
  const turns = [
    { role: "system", content: "Be brief." },
    { role: "user", content: "Hi" },
  ];
  const model = modelOf(plain);
  const bodies = {
    "/v1/chat/completions": { messages: turns },
    "/v1/responses": { input: "Hi", instructions: "Be brief." },
    "/v1/messages": { system: "Be brief.", messages: turns.slice(1), max_tokens: 20 },
    "/api/chat": { messages: turns, stream: false },
  };
  for (const [path, body] of Object.entries(bodies)) {
    const answer = await post<{ not_honoured?: ReadonlyArray<{ param: string; reason: string }> }>(path, {
      model,
      ...body,
    });
    const param = path === "/v1/responses" ? "input" : "messages";
    assert.deepEqual(
      answer.not_honoured?.map((note) => [note.param, /first user message$/.test(note.reason)]),
      [[param, true]],
      path,
    );
  }
});

for (const [api, { ask: askBy, levels: own, off, on, budget }] of Object.entries(apis)) {
  const ask = (wish: Wish) => askBy(post, wish);
  test(`${api}: a level of effort reaches a template that knows levels, as the nearest that it knows`, async (t) => {
    if (typeof started === "string") return t.skip(started);
    for (const { level, reasoning } of own) {
      const told = await ask({ model: levels, reasoning });
      assert.equal(told.text, known[level] ?? level);
      assert.equal(told.thought, "Hm.");
    }
  });

  test(`${api}: thoughts are switched off and on`, async (t) => {
    if (typeof started === "string") return t.skip(started);
    for (const reasoning of off) {
      const told = await ask({ model: switched, reasoning });
      assert.deepEqual([told.thought, told.text], ["", "Said at once"], JSON.stringify(reasoning));
    }
    for (const reasoning of on) {
      const told = await ask({ model: switched, reasoning });
      assert.deepEqual([told.thought, told.text], [thought, "Said STOP and more"], JSON.stringify(reasoning));
      if (told.reasoningTokens !== undefined) assert.ok(told.reasoningTokens > 4);
    }
  });

  test(`${api}: every value is taken where the model can't reason`, async (t) => {
    if (typeof started === "string") return t.skip(started);
    for (const reasoning of [...own.map(({ reasoning }) => reasoning), ...off, ...on]) {
      const told = await ask({ model: plain, reasoning });
      assert.deepEqual([told.thought, told.text, told.ended], ["", "Just said", "stop"]);
    }
  });

  test(`${api}: a budget ends the thoughts, and is told to a template that knows budgets`, async (t) => {
    if (typeof started === "string") return t.skip(started);
    if (budget === undefined) return t.diagnostic("it has no budget");
    const told = await ask({ model: switched, prompt: "at length", reasoning: budget(6) });
    assert.match(told.thought, /^one two/);
    assert.doesNotMatch(told.thought, /ten/);
    assert.deepEqual([told.text, told.ended], ["Said", "stop"]);
    assert.equal((await ask({ model: budgeted, reasoning: budget(512) })).text, "a budget of 512");
  });

  test(`${api}: stop strings end texts and no thoughts`, async (t) => {
    if (typeof started === "string") return t.skip(started);
    const told = await ask({ model: switched, stop: "STOP" });
    assert.deepEqual([told.thought, told.text.trim(), told.ended], [thought, "Said", "stop"]);
  });

  test(`${api}: an answer that is cut within its thoughts has reached its length`, async (t) => {
    if (typeof started === "string") return t.skip(started);
    const told = await ask({ model: switched, prompt: "at length", maxTokens: 4 });
    assert.match(told.thought, /^o/);
    assert.deepEqual([told.text, told.ended], ["", "length"]);
  });

  test(`${api}: structured output begins after the thoughts`, async (t) => {
    if (typeof started === "string") return t.skip(started);
    const told = await ask({ model: switched, prompt: "in JSON", schema: parameters });
    assert.deepEqual([told.thought, told.text], ['Not yet: {"colour": 1}', '{"colour":"red"}']);
  });

  test(`${api}: a call that is insisted on begins after the thoughts`, async (t) => {
    if (typeof started === "string") return t.skip(started);
    const told = await ask({ model: switched, prompt: "with a call", mustCall: true });
    assert.deepEqual(
      [told.thought, told.text, told.call, told.ended],
      ["I must call.", "", { colour: "red" }, "call"],
    );
  });
}
