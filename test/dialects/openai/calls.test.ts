import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { CustomInput } from "../../../src/dialects/openai/custom-tools.ts";
import { BUILTIN } from "../../support/model.ts";
import { type OpenAiServer, startOpenAiServer } from "../../support/openai-server.ts";
import { json, readEvents } from "../../support/server.ts";

let started: OpenAiServer;
before(async () => {
  started = await startOpenAiServer({ env: { MODEL_NAME: BUILTIN } });
});
after(() => started[Symbol.asyncDispose]());

const parameters = {
  type: "object",
  properties: { colour: { enum: ["red", "blue"] } },
  required: ["colour"],
  additionalProperties: false,
};
const look = { name: "look", description: "Look at a colour.", parameters };
const user = { role: "user", content: "Look at red." };

interface Called {
  readonly name: string;
  readonly arguments: string;
}
interface Message {
  readonly content: string | null;
  readonly function_call?: Called;
  readonly tool_calls?: ReadonlyArray<{
    readonly id?: string;
    readonly type?: string;
    readonly function?: Partial<Called>;
    readonly custom?: { readonly name?: string; readonly input: string };
  }>;
}
interface Completion {
  readonly choices: ReadonlyArray<{
    readonly message: Message;
    readonly delta: Partial<Message>;
    readonly finish_reason: string | null;
  }>;
}

const chat = (fields: object) =>
  json<Completion>(started.chat({ messages: [user], max_tokens: 64, ...fields })).then(
    ({ choices: [choice] }) => {
      assert.ok(choice !== undefined);
      return choice;
    },
  );

async function streamed(fields: object): Promise<Array<Completion["choices"][number]>> {
  const response = await started.chat({ messages: [user], max_tokens: 64, stream: true, ...fields });
  const found: Array<Completion["choices"][number]> = [];
  for await (const event of readEvents(response))
    if (event !== "[DONE]") found.push(...(JSON.parse(event) as Completion).choices);
  return found;
}

interface Item {
  readonly type: string;
  readonly status: string;
  readonly name?: string;
  readonly call_id?: string;
  readonly input?: string;
  readonly arguments?: string;
}
interface Response {
  readonly status: string;
  readonly output: readonly Item[];
}
const respond = (fields: object) =>
  started.server.post("/v1/responses", {
    model: started.model,
    input: "Look at red.",
    temperature: 0,
    max_output_tokens: 64,
    ...fields,
  });

interface OutputEvent {
  readonly type: string;
  readonly delta?: string;
  readonly input?: string;
  readonly item?: Item;
}
async function responseEvents(fields: object): Promise<OutputEvent[]> {
  const found: OutputEvent[] = [];
  for await (const event of readEvents(await respond({ ...fields, stream: true })))
    found.push(JSON.parse(event) as OutputEvent);
  return found;
}

test("functions of old are answered in their own form", async () => {
  const fields = { functions: [look], function_call: { name: "look" } };
  const { message, finish_reason: reason } = await chat(fields);
  assert.equal(reason, "function_call");
  assert.equal(message.tool_calls, undefined);
  assert.equal(message.function_call?.name, "look");
  assert.match(message.function_call.arguments, /^\{"colour":\s*"(red|blue)"\}$/);
  const deltas = await streamed(fields);
  assert.equal(deltas.at(-1)?.finish_reason, "function_call");
  const calls = deltas.flatMap(({ delta }) =>
    delta.function_call === undefined ? [] : [delta.function_call],
  );
  assert.equal(calls[0]?.name, "look");
  assert.equal(calls.map((call) => call.arguments).join(""), message.function_call.arguments);
  const next = await chat({
    functions: [look],
    function_call: "none",
    messages: [user, { role: "assistant", ...message }, { role: "function", name: "look", content: "seen" }],
  });
  assert.equal(typeof next.message.content, "string");
});

const note = { name: "note", description: "Write a note." };

test("a custom tool of a chat gets text, whole and streamed alike", async () => {
  const fields = {
    tools: [{ type: "custom", custom: note }],
    tool_choice: { type: "custom", custom: { name: "note" } },
  };
  const { message } = await chat(fields);
  const call = message.tool_calls?.[0];
  assert.equal(call?.type, "custom");
  assert.equal(call.custom?.name, "note");
  assert.ok(call.custom.input.length > 0 && !call.custom.input.startsWith("{"));
  const deltas = (await streamed(fields)).flatMap(({ delta }) => delta.tool_calls ?? []);
  assert.equal(deltas[0]?.custom?.name, "note");
  assert.equal(deltas.map(({ custom }) => custom?.input ?? "").join(""), call.custom.input);
});

test("a custom tool of a response is called in its own items, and its result is read back", async () => {
  const fields = {
    tools: [{ type: "custom", ...note }],
    tool_choice: { type: "custom", name: "note" },
  };
  const { output } = await json<Response>(respond(fields));
  const call = output[0];
  assert.equal(call?.type, "custom_tool_call");
  assert.equal(call.name, "note");
  const events = await responseEvents(fields);
  const deltas = events.filter(({ type }) => type === "response.custom_tool_call_input.delta");
  assert.equal(deltas.map(({ delta }) => delta).join(""), call.input);
  const done = events.find(({ type }) => type === "response.custom_tool_call_input.done");
  assert.equal(done?.input, call.input);
  const items = [{ role: "user", content: "Look" }, call];
  const result = { type: "custom_tool_call_output", call_id: call.call_id, output: "written" };
  const next = await respond({ ...fields, tool_choice: "none", input: [...items, result] });
  assert.equal(next.status, 200);
});

test("a custom tool's text is read out of its JSON wherever that is cut", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "grapheme" }),
      fc.array(fc.nat(40)),
      fc.boolean(),
      (text, cuts, escapes) => {
        const quoted = escapes
          ? `"${[...text]
              .flatMap((one) => one.split(""))
              .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
              .join("")}"`
          : JSON.stringify(text);
        const written = `{"input": ${quoted}}`;
        const reader = new CustomInput();
        let read = "";
        let at = 0;
        for (const cut of cuts) {
          read += reader.push(written.slice(at, at + cut));
          at += cut;
        }
        read += reader.push(written.slice(at));
        assert.equal(read, text);
      },
    ),
  );
});

test("stop strings don't cut a call that must be made", async () => {
  const fields = {
    tools: [{ type: "function", function: look }],
    tool_choice: "required",
    stop: ["colour", '"'],
    parallel_tool_calls: false,
  };
  const { message, finish_reason: reason } = await chat(fields);
  assert.equal(reason, "tool_calls");
  assert.match(message.tool_calls?.[0]?.function?.arguments ?? "", /^\{"colour":\s*"(red|blue)"\}$/);
});

const long = { type: "object", properties: { text: { type: "string", minLength: 200 } }, required: ["text"] };

test("what the limit of tokens cuts is incomplete, streamed and whole", async () => {
  for (const fields of [
    {
      tools: [{ type: "function", name: "say", parameters: long }],
      tool_choice: "required",
      max_output_tokens: 16,
    },
    { input: "Tell me of the sea and of all its ships.", max_output_tokens: 4 },
  ]) {
    const { status, output } = await json<Response>(respond(fields));
    assert.equal(status, "incomplete");
    assert.deepEqual(
      output.map((item) => item.status),
      ["incomplete"],
    );
    const done = (await responseEvents(fields)).find(({ type }) => type === "response.output_item.done");
    assert.equal(done?.item?.status, "incomplete");
  }
});

test("a call that was cut is not a call with nothing in it", async () => {
  const asked = { model: started.model, messages: [user], temperature: 0 };
  const message = await json<{ content: object[]; stop_reason: string }>(
    started.server.post("/v1/messages", {
      ...asked,
      max_tokens: 16,
      tools: [{ name: "say", input_schema: long }],
      tool_choice: { type: "any" },
    }),
  );
  assert.equal(message.stop_reason, "max_tokens");
  assert.deepEqual(message.content, []);
});

test("forms that other servers ask for otherwise are held to, or refused by name", async () => {
  const schema = {
    type: "object",
    properties: { ok: { type: "boolean" } },
    required: ["ok"],
    additionalProperties: false,
  };
  for (const fields of [
    { response_format: { type: "json_object", schema } },
    { response_format: { type: "json_schema", json_schema: { schema } } },
    { json_schema: schema },
  ]) {
    const { message } = await chat(fields);
    assert.match(message.content ?? "", /^\{\s*"ok":\s*(true|false)\s*\}$/);
  }
  const message = await json<{ content: ReadonlyArray<{ text: string }> }>(
    started.server.post("/v1/messages", {
      model: started.model,
      messages: [user],
      max_tokens: 64,
      output_format: { type: "json_schema", schema },
    }),
  );
  assert.match(message.content[0]?.text ?? "", /^\{\s*"ok":\s*(true|false)\s*\}$/);
  const refused = async (url: string, body: object, param: string) => {
    const response = await started.server.post(url, { model: started.model, ...body });
    assert.equal(response.status, 400, `${url} ${param}`);
    assert.equal((await json<{ error: { param: string } }>(response)).error.param, param);
  };
  const routes = {
    "/v1/chat/completions": { messages: [user] },
    "/v1/completions": { prompt: "a" },
    "/v1/responses": { input: "a" },
  };
  for (const [url, body] of Object.entries(routes)) {
    await refused(url, { ...body, format: { type: "object" } }, "format");
    for (const [param, value] of Object.entries({
      guided_json: "{",
      guided_regex: "(?<=a)b",
      guided_choice: [],
      guided_grammar: "root ::= other",
      guided_whitespace_pattern: "",
    }))
      await refused(url, { ...body, [param]: value }, param);
    await refused(
      url,
      { ...body, structured_outputs: { structural_tag: "x" } },
      "structured_outputs.structural_tag",
    );
    await refused(url, { ...body, structured_outputs: { regex: "$." } }, "structured_outputs.regex");
    await refused(url, { ...body, guided_regex: "a", guided_choice: ["a"] }, "guided_choice");
  }
  for (const param of ["response_format", "json_schema"]) {
    await refused("/v1/completions", { prompt: "a", [param]: { type: "json_object" } }, param);
    await refused("/v1/responses", { input: "a", [param]: { type: "json_object" } }, param);
  }
});

test("vLLM's ways to ask for a form are understood, by their older and newer names", async () => {
  const schema = {
    type: "object",
    properties: { ok: { type: "boolean" } },
    required: ["ok"],
    additionalProperties: false,
  };
  const isHeld = /^\{\s*"ok":\s*(true|false)\s*\}$/;
  const forms = [
    { json: schema, expected: isHeld },
    { json: JSON.stringify(schema), expected: isHeld },
    { regex: "[A-C]-\\d{3}|é+x", expected: /^([A-C]-\d{3}|é+x)$/ },
    { choice: ["red", "redder", "grün", "0 or 1"], expected: /^(red|redder|grün|0 or 1)$/ },
    { grammar: 'root ::= "x" [0-9]', expected: /^x[0-9]$/ },
    { json_object: true, expected: /^\{/ },
  ] as const;
  const text = async (fields: object): Promise<readonly string[]> => {
    const answer = await json<{ choices: ReadonlyArray<{ text: string }> }>(
      started.complete({ prompt: "Look", max_tokens: 48, ...fields }),
    );
    const response = await json<{ output: ReadonlyArray<{ content?: ReadonlyArray<{ text: string }> }> }>(
      started.server.post("/v1/responses", {
        model: started.model,
        input: "Look at red.",
        max_output_tokens: 48,
        ...fields,
      }),
    );
    const deltas = await streamed(fields);
    return [
      (await chat(fields)).message.content ?? "",
      deltas.map(({ delta }) => delta.content ?? "").join(""),
      answer.choices[0]?.text ?? "",
      response.output
        .flatMap(({ content }) => content ?? [])
        .map(({ text }) => text)
        .join(""),
    ];
  };
  for (const { expected, ...form } of forms) {
    const [name, value] = Object.entries(form)[0] ?? [];
    const ways = [
      { structured_outputs: form },
      ...(name === "json_object" ? [] : [{ [`guided_${name}`]: value }]),
    ];
    for (const fields of ways)
      for (const found of await text({ ...fields, seed: 3 })) assert.match(found, expected);
  }
  const called = await chat({ tools: [{ type: "function", function: look }], guided_choice: ["no"] });
  assert.ok(called.message.tool_calls !== undefined || called.message.content === "no");
});

test("a tool may have a property called __proto__", async () => {
  const body = `{"model": ${JSON.stringify(started.model)}, "messages": [{"role": "user", "content": "Look."}],
    "max_tokens": 200, "seed": 1, "tool_choice": "required", "tools": [{"type": "function", "function": {"name": "odd", "strict": true,
    "parameters": {"type": "object", "properties": {"__proto__": {"enum": ["x"]}, "constructor": {"const": {"prototype": 1}}},
    "required": ["__proto__", "constructor"], "additionalProperties": false}}}]}`;
  const { choices } = await json<Completion>(started.server.post("/v1/chat/completions", body));
  const [call] = choices[0]?.message.tool_calls ?? [];
  const { name, arguments: text = "" } = call?.function ?? {};
  assert.equal(name, "odd");
  assert.deepEqual(Object.entries(JSON.parse(text) as object), [
    ["__proto__", "x"],
    ["constructor", { prototype: 1 }],
  ]);
});

test("completions read a template's special tokens", async () => {
  const prompt = "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n";
  const tokenized = await json<{ count: number }>(
    started.server.post("/v1/tokenize", { content: prompt, parse_special: true, add_special: true }),
  );
  const { usage } = await json<{ usage: { prompt_tokens: number } }>(
    started.complete({ prompt, max_tokens: 1 }),
  );
  assert.equal(usage.prompt_tokens, tokenized.count);
});
