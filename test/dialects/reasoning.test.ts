/*
 * What each API's clients may ask of a model's thoughts. The models have published chat templates and random weights:
 * engines are told what to say (`scripted-tokens.ts`), by what the prompt holds.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
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

interface Wish {
  readonly model: string;
  readonly prompt?: string;
  /** What the API has for it: a level, a switch, a budget. */
  readonly reasoning?: object;
  readonly stop?: string;
  readonly maxTokens?: number;
  readonly schema?: object;
  readonly mustCall?: true;
}

interface Told {
  readonly thought: string;
  readonly text: string;
  readonly call: unknown;
  /** `stop`, `length` or `call`, whatever the API's word. */
  readonly ended: string;
  readonly reasoningTokens?: number | undefined;
}

const parameters = {
  type: "object",
  properties: { colour: { enum: ["red", "blue"] } },
  required: ["colour"],
  additionalProperties: false,
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

type Ask = (wish: Wish) => Promise<Told>;

const chat: Ask = async ({ model, prompt = "Hi", reasoning, stop, maxTokens, schema, mustCall }) => {
  const { choices, usage } = await post<{
    choices: [
      {
        finish_reason: string;
        message: {
          content: string | null;
          reasoning_content?: string;
          tool_calls?: [{ function: { arguments: string } }];
        };
      },
    ];
    usage: { completion_tokens_details: { reasoning_tokens: number } };
  }>("/v1/chat/completions", {
    model: modelOf(model),
    messages: [{ role: "user", content: prompt }],
    ...reasoning,
    ...(stop !== undefined && { stop }),
    ...(maxTokens !== undefined && { max_tokens: maxTokens }),
    ...(schema !== undefined && {
      response_format: { type: "json_schema", json_schema: { name: "answer", schema, strict: true } },
    }),
    ...(mustCall && {
      tools: [{ type: "function", function: { name: "look", parameters } }],
      tool_choice: "required",
    }),
  });
  const [{ message, finish_reason: reason }] = choices;
  return {
    thought: message.reasoning_content ?? "",
    text: message.content ?? "",
    call: message.tool_calls && JSON.parse(message.tool_calls[0].function.arguments),
    ended: reason === "tool_calls" ? "call" : reason,
    reasoningTokens: usage.completion_tokens_details.reasoning_tokens,
  };
};

interface Item {
  readonly type: string;
  readonly content?: ReadonlyArray<{ readonly text: string }>;
  readonly arguments?: string;
}

const responses: Ask = async ({ model, prompt = "Hi", reasoning, stop, maxTokens, schema, mustCall }) => {
  const { output, status, usage } = await post<{
    output: readonly Item[];
    status: string;
    usage: { output_tokens_details: { reasoning_tokens: number } };
  }>("/v1/responses", {
    model: modelOf(model),
    input: prompt,
    ...reasoning,
    ...(stop !== undefined && { stop }),
    ...(maxTokens !== undefined && { max_output_tokens: maxTokens }),
    ...(schema !== undefined && {
      text: { format: { type: "json_schema", name: "answer", schema, strict: true } },
    }),
    ...(mustCall && { tools: [{ type: "function", name: "look", parameters }], tool_choice: "required" }),
  });
  const item = (type: string) => output.find((candidate) => candidate.type === type);
  const textOf = (type: string) =>
    item(type)
      ?.content?.map(({ text }) => text)
      .join("") ?? "";
  const called = item("function_call")?.arguments;
  return {
    thought: textOf("reasoning"),
    text: textOf("message"),
    call: called === undefined ? undefined : JSON.parse(called),
    ended: called !== undefined ? "call" : status === "incomplete" ? "length" : "stop",
    reasoningTokens: usage.output_tokens_details.reasoning_tokens,
  };
};

const messages: Ask = async ({
  model,
  prompt = "Hi",
  reasoning,
  stop,
  maxTokens = 1000,
  schema,
  mustCall,
}) => {
  const { effort, ...rest } = (reasoning ?? {}) as { readonly effort?: string };
  const { content, stop_reason: reason } = await post<{
    content: ReadonlyArray<{ type: string; thinking?: string; text?: string; input?: unknown }>;
    stop_reason: string;
  }>("/v1/messages", {
    model: modelOf(model),
    max_tokens: maxTokens,
    messages: [{ role: "user", content: prompt }],
    ...rest,
    output_config: { effort, ...(schema !== undefined && { format: { type: "json_schema", schema } }) },
    ...(stop !== undefined && { stop_sequences: [stop] }),
    ...(mustCall && { tools: [{ name: "look", input_schema: parameters }], tool_choice: { type: "any" } }),
  });
  const words: Record<string, string> = { max_tokens: "length", tool_use: "call" };
  return {
    thought: content.map(({ thinking = "" }) => thinking).join(""),
    text: content.map(({ text = "" }) => text).join(""),
    call: content.find(({ type }) => type === "tool_use")?.input,
    ended: words[reason] ?? "stop",
  };
};

/** Without a way to insist on a call. */
const ollama: Ask = async ({ model, prompt = "Hi", reasoning, stop, maxTokens, schema, mustCall }) => {
  const { message, done_reason: reason } = await post<{
    message: { content: string; thinking?: string; tool_calls?: [{ function: { arguments: unknown } }] };
    done_reason: string;
  }>("/api/chat", {
    model: modelOf(model),
    messages: [{ role: "user", content: prompt }],
    stream: false,
    ...reasoning,
    options: {
      ...(stop !== undefined && { stop: [stop] }),
      ...(maxTokens !== undefined && { num_predict: maxTokens }),
    },
    ...(schema !== undefined && { format: schema }),
    ...(mustCall && { tools: [{ type: "function", function: { name: "look", parameters } }] }),
  });
  return {
    thought: message.thinking ?? "",
    text: message.content,
    call: message.tool_calls?.[0].function.arguments,
    ended: message.tool_calls === undefined ? reason : "call",
  };
};

/** An API's own words for a level, the switch, and a budget where it has them. */
interface Api {
  readonly ask: Ask;
  readonly levels: ReadonlyArray<{ readonly level: string; readonly reasoning: object }>;
  readonly off: readonly object[];
  readonly on: readonly object[];
  readonly budget: ((tokens: number) => object) | undefined;
}

const apis: Readonly<Record<string, Api>> = {
  "chat completions": {
    ask: chat,
    levels: ["minimal", "low", "medium", "high", "xhigh"].map((level) => ({
      level: level,
      reasoning: { reasoning_effort: level },
    })),
    off: [
      { reasoning_effort: "none" },
      { chat_template_kwargs: { enable_thinking: false } },
      { reasoning_effort: "high", chat_template_kwargs: { enable_thinking: false } },
    ],
    on: [{}, { reasoning_effort: "medium" }, { chat_template_kwargs: { enable_thinking: true } }],
    budget: (tokens: number) => ({ thinking_budget: tokens }),
  },
  responses: {
    ask: responses,
    levels: ["minimal", "low", "medium", "high", "xhigh"].map((effort) => ({
      level: effort,
      reasoning: { reasoning: { effort } },
    })),
    off: [{ reasoning: { effort: "none" } }],
    on: [{}, { reasoning: { effort: "low" } }, { reasoning: { summary: "auto" } }],
    budget: undefined,
  },
  messages: {
    ask: messages,
    levels: ["low", "medium", "high", "max"].map((effort) => ({ level: effort, reasoning: { effort } })),
    off: [{ thinking: { type: "disabled" } }],
    on: [{}, { thinking: { type: "enabled", budget_tokens: 1024 } }, { thinking: { type: "adaptive" } }],
    budget: (tokens: number) => ({ thinking: { type: "enabled", budget_tokens: tokens } }),
  },
  Ollama: {
    ask: ollama,
    levels: ["low", "medium", "high"].map((level) => ({ level: level, reasoning: { think: level } })),
    off: [{ think: false }],
    on: [{}, { think: true }],
    budget: undefined,
  },
};

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

for (const [api, { ask, levels: own, off, on, budget }] of Object.entries(apis)) {
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
