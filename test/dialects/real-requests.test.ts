import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { BUILTIN } from "../support/model.ts";
import { type OpenAiServer, startOpenAiServer } from "../support/openai-server.ts";
import { json, readEvents } from "../support/server.ts";
import { type RealRequest, realRequests } from "./real-requests.ts";

let started: OpenAiServer;
before(async () => {
  started = await startOpenAiServer({ env: { MODEL_NAME: BUILTIN } });
});
after(() => started[Symbol.asyncDispose]());

interface Noted {
  readonly not_honoured?: ReadonlyArray<{ readonly param: string; readonly reason: string }>;
}

const send = ({ url, body }: RealRequest, stream: boolean) =>
  started.server.post(url, {
    model: started.model,
    [url === "/v1/responses" ? "max_output_tokens" : "max_tokens"]: 4,
    temperature: 0,
    stream,
    ...body,
  });

const noted = (answer: Noted) => answer.not_honoured?.map(({ param }) => param) ?? [];

for (const request of realRequests) {
  test(`${request.url} serves ${request.about}`, async () => {
    const whole = await send(request, false);
    const answer = await json<Noted & { error?: unknown }>(whole);
    assert.equal(whole.status, 200, JSON.stringify(answer.error));
    if (request.noted !== undefined) assert.deepEqual(noted(answer), request.noted);
    if (request.url === "/v1/messages") {
      const counted = await started.server.post("/v1/messages/count_tokens", request.body);
      assert.equal(counted.status, 200);
    }
    const streamed = await send(request, true);
    assert.equal(streamed.status, 200);
    const events: string[] = [];
    for await (const event of readEvents(streamed)) events.push(event);
    assert.ok(events.length > 1);
    for (const event of events) assert.doesNotMatch(event, /^\{"(error|type":"error)/);
    // Streams tell it where they tell of the answer as a whole.
    if (request.noted !== undefined)
      assert.ok(
        events.some((event) => (request.noted ?? []).every((param) => event.includes(`"param":"${param}"`))),
      );
  });
}

/** The prompt that the model reads. */
async function promptOf(messages: unknown): Promise<string> {
  const { tokens } = await json<{ tokens: number[] }>(started.server.post("/v1/tokenize", { messages }));
  return (await json<{ content: string }>(started.server.post("/v1/detokenize", { tokens }))).content;
}

test("no history puts a word in the prompt that no one wrote", async () => {
  for (const { url, body, about } of realRequests) {
    if (url !== "/v1/chat/completions") continue;
    const prompt = await promptOf(body["messages"]);
    assert.doesNotMatch(prompt, /null|undefined|\[object/, about);
  }
});

test("all system texts reach the model", async () => {
  const prompt = await promptOf([
    { role: "system", content: "first words" },
    { role: "system", content: "second words" },
    { role: "user", content: "hi" },
    { role: "system", content: "third words" },
    { role: "user", content: "go on" },
  ]);
  for (const words of ["first words", "second words", "third words"])
    assert.ok(prompt.includes(words), prompt);
});

test("arguments that nest without end are refused, in a text as in the body", async () => {
  const deep = `${'{"a":'.repeat(5000)}1${"}".repeat(5000)}`;
  const call = { id: "c", type: "function", function: { name: "lookup", arguments: deep } };
  for (const [url, body] of [
    ["/v1/chat/completions", { messages: [{ role: "assistant", tool_calls: [call] }] }],
    ["/v1/responses", { input: [{ type: "function_call", call_id: "c", name: "lookup", arguments: deep }] }],
  ] as const) {
    const response = await started.server.post(url, body);
    assert.equal(response.status, 400);
    assert.match((await json<{ error: { message: string } }>(response)).error.message, /nests deeper/);
  }
});

/** A form that no answer can fill in what the prompt below leaves of the window. */
const endless = {
  type: "object",
  properties: { text: { type: "string", minLength: 400 } },
  required: ["text"],
  additionalProperties: false,
};
/** Messages whose prompt leaves about so many tokens of the window. */
async function messagesThatLeave(tokens: number): Promise<object[]> {
  const repeated = (times: number) => [{ role: "user", content: "and then ".repeat(times) }];
  const count = async (times: number) =>
    (
      await json<{ count: number }>(
        started.server.post("/v1/tokenize", { messages: repeated(times), add_generation_prompt: true }),
      )
    ).count;
  const [few, many] = [await count(10), await count(110)];
  const each = (many - few) / 100;
  return repeated(10 + Math.floor((1024 - tokens - few) / each));
}

test("a limit beyond the window ends the answer at the window, streamed and whole", async () => {
  const format = { type: "json_schema", schema: endless };
  const longMessages = await messagesThatLeave(40);
  for (const [url, body, reason] of [
    [
      "/v1/chat/completions",
      {
        messages: longMessages,
        max_tokens: 64_000,
        response_format: { type: "json_schema", json_schema: { schema: endless } },
      },
      /"finish_reason":"length"/,
    ],
    [
      "/v1/responses",
      { input: longMessages, max_output_tokens: 128_000, text: { format: { ...format, name: "endless" } } },
      /"incomplete_details":\{"reason":"max_output_tokens"\}/,
    ],
    [
      "/v1/messages",
      { messages: longMessages, max_tokens: 32_000, output_config: { format } },
      /"stop_reason":"model_context_window_exceeded"/,
    ],
  ] as const) {
    for (const stream of [false, true]) {
      const response = await started.server.post(url, { model: started.model, stream, ...body });
      assert.equal(response.status, 200, url);
      assert.match(await response.text(), reason, `${url} ${stream}`);
    }
  }
});

test("an answer that was begun is continued, by each API's own way of asking", async () => {
  const begun = [
    { role: "user", content: "List three" },
    { role: "assistant", content: "1." },
  ];
  const openai = async (fields: object) =>
    (
      await json<{ usage: { prompt_tokens: number } }>(
        started.chat({ messages: begun, max_tokens: 1, ...fields }),
      )
    ).usage.prompt_tokens;
  const continued = await openai({ continue_final_message: true });
  assert.ok(continued < (await openai({})));
  const { input_tokens: counted } = await json<{ input_tokens: number }>(
    started.server.post("/v1/messages/count_tokens", { model: started.model, messages: begun }),
  );
  assert.equal(counted, continued);
});

test("a system message of Anthropic's reaches the model wherever it stands", async () => {
  const count = async (...texts: readonly string[]) => {
    const [first = "", ...rest] = texts.map((content) => ({ role: "system", content }));
    const messages = [{ role: "user", content: "hi" }, first, ...rest].filter((each) => each !== "");
    const counted = started.server.post("/v1/messages/count_tokens", { model: started.model, messages });
    return (await json<{ input_tokens: number }>(counted)).input_tokens;
  };
  const one = await count("x");
  assert.ok(one > (await count()));
  assert.ok((await count("x", "the sea and the ships")) > one);
});

test("a function without parameters is called without arguments", async () => {
  const { server, model } = started;
  const hello = [{ role: "user", content: "What time is it?" }];
  const chat = { model, messages: hello, max_tokens: 64, parallel_tool_calls: false };
  const tools = [{ type: "function", function: { name: "now" } }];
  const completion = await json<{
    choices: ReadonlyArray<{
      message: { tool_calls: ReadonlyArray<{ function: { arguments: string } }> };
    }>;
  }>(server.post("/v1/chat/completions", { ...chat, tools, tool_choice: "required" }));
  const called = completion.choices[0]?.message.tool_calls[0]?.function.arguments ?? "";
  assert.deepEqual(JSON.parse(called), {});
  const response = await json<{ output: ReadonlyArray<{ arguments: string }> }>(
    server.post("/v1/responses", {
      model,
      input: hello,
      max_output_tokens: 64,
      parallel_tool_calls: false,
      tools: [{ type: "function", name: "now" }],
      tool_choice: "required",
    }),
  );
  assert.deepEqual(JSON.parse(response.output[0]?.arguments ?? ""), {});
  const message = await json<{ content: ReadonlyArray<{ input: object }> }>(
    server.post("/v1/messages", {
      model,
      messages: hello,
      max_tokens: 64,
      tools: [{ name: "now" }],
      tool_choice: { type: "any" },
    }),
  );
  assert.deepEqual(message.content[0]?.input, {});
});

test("a name that is not served is refused with the setting that would serve it", async () => {
  const hello = [{ role: "user", content: "hi" }];
  for (const [url, type] of [
    ["/v1/chat/completions", "invalid_request_error"],
    ["/v1/messages", "not_found_error"],
  ] as const) {
    const body = { model: "claude-haiku-4-5", messages: hello, max_tokens: 1 };
    const refused = await started.server.post(url, body);
    assert.equal(refused.status, 404);
    const { error } = await json<{ error: { type: string; message: string } }>(refused);
    assert.equal(error.type, type);
    assert.match(error.message, /MODEL_ALIASES=claude-haiku-4-5=builtin/);
  }
});
