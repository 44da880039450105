import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type OpenAiServer, startOpenAiServer } from "../../support/openai-server.ts";
import { json } from "../../support/server.ts";

let started: OpenAiServer;
before(async () => {
  started = await startOpenAiServer();
});
after(() => started[Symbol.asyncDispose]());

interface Envelope {
  readonly error: {
    readonly code: string;
    readonly type: string;
    readonly message: string;
    readonly param: string | null;
  };
  readonly request_id: string;
}

type Case = readonly [field: string, value: unknown, param?: string];
const text = (content: unknown) => [{ role: "user", content }];
const call = (parameters: unknown) => [
  { type: "function", function: { name: "f", parameters, strict: true } },
];

const chat: readonly Case[] = [
  ["model", 3],
  ["model", ""],
  ["messages", undefined],
  ["messages", []],
  ["messages", "hello"],
  ["messages", [{ role: "robot", content: "x" }], "messages[0].role"],
  ["messages", [{ content: "x" }], "messages[0].role"],
  ["messages", text([{ type: "image_url", image_url: { url: "x" } }]), "messages[0].content[0].type"],
  ["messages", text([{ type: "input_audio" }]), "messages[0].content[0].type"],
  ["temperature", 2.1],
  ["temperature", "hot"],
  ["top_p", -0.1],
  ["n", 0],
  ["n", 129],
  ["max_tokens", 0],
  ["max_completion_tokens", 1.5],
  ["stop", ["a", "b", "c", "d", "e"]],
  ["stop", [""], "stop[0]"],
  ["seed", 1.5],
  ["presence_penalty", 3],
  ["frequency_penalty", "x"],
  ["logit_bias", { 5: 101 }, "logit_bias[5]"],
  ["logit_bias", { word: 1 }],
  ["logit_bias", { 99999999: 1 }],
  ["logprobs", "yes"],
  ["top_logprobs", 5],
  ["top_logprobs", 21],
  ["response_format", "json"],
  ["response_format", { type: "xml" }, "response_format.type"],
  ["response_format", { type: "json_schema" }, "response_format.json_schema"],
  [
    "response_format",
    { type: "json_schema", json_schema: { name: "x", schema: { pattern: "(a)\\1" } } },
    "response_format.json_schema.schema.pattern",
  ],
  ["tools", [{ type: "function" }], "tools[0].function"],
  ["tool_choice", { type: "allowed_tools", allowed_tools: { mode: "auto", tools: [] } }],
  ["tools", [{ type: "function", function: { name: "a b" } }], "tools[0].function.name"],
  [
    "tools",
    call({ type: "object", properties: { a: { pattern: "(a)\\1" } } }),
    "tools[0].function.parameters.properties.a.pattern",
  ],
  ["tools", call({ type: "array" }), "tools[0].function.parameters.type"],
  ["tool_choice", "required"],
  ["tool_choice", "sometimes"],
  ["tool_choice", { type: "function", function: { name: "missing" } }],
  ["stream", "yes"],
  ["grammar", "root ::= ["],
  ["grammar", "nothing"],
  ["top_k", -2],
  ["min_p", 2],
  ["repeat_penalty", 0],
  ["audio", { voice: "alloy" }],
  ["modalities", ["text", "audio"]],
  ["function_call", { name: "f" }, "tool_choice"],
  ["moderation", { model: "m" }],
];

const completions: readonly Case[] = [
  ["prompt", undefined],
  ["prompt", 3],
  ["prompt", []],
  ["prompt", [[]], "prompt[0]"],
  ["prompt", ["a", 1], "prompt[1]"],
  ["prompt", [999_999]],
  ["logprobs", 21],
  ["best_of", 21],
  ["max_tokens", 0],
  ["max_tokens", -2],
  ["suffix", "end"],
  ["echo", 1],
  ["n", "two"],
];

const responses: readonly Case[] = [
  ["input", undefined],
  ["input", []],
  ["input", [{ type: "item_reference", id: "x" }], "input[0].id"],
  ["input", [{ role: "user", content: [{ type: "input_image" }] }], "input[0].content[0].type"],
  ["background", "yes"],
  ["keep_alive", {}],
  ["keep_alive", "soon"],
  ["conversation", 3],
  ["access_programs", { cyber: {} }],
  ["moderation", { model: "m" }],
  ["prompt", { id: "p" }],
  ["text", { format: { type: "json_schema", name: "x" } }, "text.format.schema"],
  ["max_output_tokens", 0],
];

const routes = { "/v1/chat/completions": chat, "/v1/completions": completions, "/v1/responses": responses };
for (const [url, cases] of Object.entries(routes)) {
  for (const [field, value, param = field] of cases) {
    test(`${url} refuses ${field} ${JSON.stringify(value)?.slice(0, 80)} by name`, async () => {
      const valid = { model: started.model, messages: text("x"), prompt: "x", input: "x" };
      const required = url.endsWith("chat/completions")
        ? "messages"
        : url.endsWith("responses")
          ? "input"
          : "prompt";
      const body = { model: valid.model, [required]: valid[required], [field]: value };
      const response = await started.server.post(url, body);
      const { error, request_id } = await json<Envelope>(response);
      assert.equal(response.status, 400, JSON.stringify(error));
      assert.equal(error.param, param);
      assert.equal(error.code, "invalid_request");
      assert.equal(error.type, "invalid_request_error");
      assert.ok(error.message.length > 0 && request_id.length > 0);
    });
  }
}

test("null means the same as leaving a field out, and harmless parameters are taken", async () => {
  const nothing = [
    "temperature",
    "top_p",
    "n",
    "stop",
    "seed",
    "tools",
    "tool_choice",
    "response_format",
    "logprobs",
    "stream",
  ];
  const body = {
    ...Object.fromEntries(nothing.map((field) => [field, null])),
    user: "u",
    metadata: { a: "b" },
    store: true,
    service_tier: "auto",
    prompt_cache_key: "k",
    prediction: { type: "content", content: "x" },
    max_tokens: 2,
  };
  assert.equal((await started.chat(body)).status, 200);
});

test("a response that is not there is not found", async () => {
  const body = { model: started.model, input: "x", previous_response_id: "resp_none" };
  const response = await started.server.post("/v1/responses", body);
  assert.equal(response.status, 404);
  assert.equal((await json<Envelope>(response)).error.param, "previous_response_id");
});

test("no key, no answer", async () => {
  for (const url of [...Object.keys(routes), "/v1/messages", "/v1/tokenize", "/v1/detokenize"])
    assert.equal((await started.server.post(url, {}, {})).status, 401);
});
