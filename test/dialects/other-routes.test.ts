import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { foreignFieldsBut } from "../../src/dialects/foreign-fields.ts";
import { type Sample, typeErrors } from "../support/client-types.ts";
import { BUILTIN } from "../support/model.ts";
import { type OpenAiServer, startOpenAiServer } from "../support/openai-server.ts";
import { json, KEY } from "../support/server.ts";

let started: OpenAiServer;
let openai: OpenAI;
let anthropic: Anthropic;
before(async () => {
  started = await startOpenAiServer({ env: { MODEL_NAME: BUILTIN, MODEL_ALIASES: "gpt-4o=builtin,*" } });
  const { url } = started.server;
  openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: "dev-local-key", maxRetries: 0 });
  anthropic = new Anthropic({ baseURL: url, apiKey: "dev-local-key", maxRetries: 0 });
});
after(() => started[Symbol.asyncDispose]());

const hi = [{ role: "user" as const, content: "hi" }];

test("any name is served where * is an alias, and answers repeat it", async () => {
  const name = "claude-haiku-4-5-20251001";
  assert.equal((await anthropic.messages.create({ model: name, max_tokens: 1, messages: hi })).model, name);
  assert.equal(
    (await json<{ model: string }>(started.chat({ model: "a/b:c", max_tokens: 1 }))).model,
    "a/b:c",
  );
  const { data } = await openai.models.list();
  assert.deepEqual(
    data.map(({ id }) => id),
    ["builtin", "gpt-4o"],
  );
});

test("models have the shape and the fields that clients of each API look for", async () => {
  const page = await anthropic.models.list();
  assert.deepEqual([page.has_more, page.first_id, page.last_id], [false, "builtin", "gpt-4o"]);
  for (const model of [page.data[0], await anthropic.models.retrieve("builtin")]) {
    assert.equal(model?.type, "model");
    assert.equal(model.display_name, "builtin");
    assert.equal(model.max_input_tokens, 1024);
    assert.ok(!Number.isNaN(Date.parse(model.created_at)));
  }
  const [own] = await json<{ data: Array<Record<string, unknown>>; models: unknown[] }>(
    started.server.get("/v1/models/"),
  ).then(({ data, models }) => {
    assert.deepEqual(models, []);
    return data;
  });
  for (const field of ["context_window", "context_length", "max_model_len"]) assert.equal(own?.[field], 1024);
});

test("paths are found without /v1, and with it twice", async () => {
  const body = { model: "builtin", messages: hi, max_tokens: 1 };
  for (const [path, fields] of [
    ["/chat/completions", {}],
    ["/v1/v1/chat/completions", {}],
    ["/messages", {}],
    ["/completions", { prompt: "hi" }],
    ["/responses", { input: "hi" }],
  ] as const)
    assert.equal((await started.server.post(`${path}?beta=true`, { ...body, ...fields })).status, 200, path);
  assert.equal((await started.server.get("/models")).status, 200);
  assert.equal((await started.server.get("/models", {})).status, 401);
  assert.equal((await started.server.post("/chat/completions", body, {})).status, 401);
  assert.equal((await started.server.get("/v1/v1/v1/models")).status, 404);
  // `/chat` is a route of this server's own.
  assert.equal((await started.server.post("/chat", { prompt: "hi", max_new_tokens: 1 }, {})).status, 200);
});

test("input is counted, and listed afterwards, by OpenAI's own client", async () => {
  const asked = { model: "builtin", instructions: "Be brief.", input: hi };
  const { input_tokens: counted } = await openai.responses.inputTokens.count(asked);
  const response = await openai.responses.create({ ...asked, max_output_tokens: 1 });
  assert.equal(response.usage?.input_tokens, counted);
  const items = await openai.responses.inputItems.list(response.id);
  assert.deepEqual(
    items.data.map((item) => item.type === "message" && item.content),
    [[{ type: "input_text", text: "hi" }]],
  );
  const next = await openai.responses.create({
    model: "builtin",
    previous_response_id: response.id,
    input: ["a", "b", "c"].map((content) => ({ role: "user" as const, content })),
    max_output_tokens: 1,
  });
  const texts: unknown[] = [];
  for await (const item of openai.responses.inputItems.list(next.id, { limit: 2, order: "asc" }))
    texts.push(item.type === "message" && item.content[0]?.type === "input_text" && item.content[0].text);
  assert.deepEqual(texts, ["a", "b", "c"]);
  await assert.rejects(openai.responses.inputItems.list("resp_none"), OpenAI.NotFoundError);
  await openai.responses.delete(response.id);
  await assert.rejects(openai.responses.retrieve(response.id), OpenAI.NotFoundError);
});

test("a line that Claude Code changes with each request ends no cached prefix", async () => {
  const ask = (line: string) =>
    anthropic.messages.create({
      model: "builtin",
      max_tokens: 1,
      system: [
        { type: "text", text: `x-anthropic-billing-header: cc_version=2.1.332; cch=${line};` },
        { type: "text", text: "The sea is calm tonight. ".repeat(20) },
      ],
      messages: hi,
    });
  const first = await ask("0aaa1");
  const second = await ask("0bbb2");
  assert.ok(first.usage.input_tokens > 100);
  assert.ok((second.usage.cache_read_input_tokens ?? 0) > first.usage.input_tokens - 32);
});

test("a prompt's rest of the window is a limit on every route", async () => {
  const { server } = started;
  const post = <T>(url: string, body: object) => json<T>(server.post(url, { model: "builtin", ...body }));
  const completion = await post<{ choices: [{ finish_reason: string }]; usage: { total_tokens: number } }>(
    "/v1/completions",
    { prompt: "and then ".repeat(300), max_tokens: 64_000 },
  );
  assert.ok(completion.usage.total_tokens <= 1024);
  const chat = await post<{ total_tokens: number; finish_reason: string }>("/v1/chat", {
    prompt: "and then ".repeat(100),
    max_new_tokens: null,
    seed: 1,
  });
  assert.ok(chat.total_tokens <= 1024);
  const refused = await server.post("/v1/chat", { prompt: "and then ".repeat(300), max_new_tokens: 1000 });
  const { error } = await json<{ error: { code: string; details: Record<string, number> } }>(refused);
  assert.equal(error.code, "context_length_exceeded");
  assert.equal(error.details["max_new_tokens"], 1000);
});

test("twenty requests at once end well with the clients' own retries", async () => {
  const patient = new OpenAI({ baseURL: `${started.server.url}/v1`, apiKey: KEY["x-api-key"] });
  const claude = new Anthropic({ baseURL: started.server.url, apiKey: KEY["x-api-key"] });
  const asked = { model: "builtin", messages: hi, max_tokens: 16 };
  const answers = await Promise.all(
    Array.from({ length: 20 }, async (_, index) => {
      if (index % 2 === 0) return (await patient.chat.completions.create(asked)).usage?.completion_tokens;
      return (await claude.messages.create(asked)).usage.output_tokens;
    }),
  );
  assert.equal(answers.filter((tokens) => tokens !== undefined && tokens > 0).length, 20);
});

test("the other routes' answers have the types that the SDKs give them", async () => {
  const { server } = started;
  const anthropicKey = { ...KEY, "anthropic-version": "2023-06-01" };
  const post = (url: string, body: object) => json<object>(server.post(url, { model: "builtin", ...body }));
  const response = await post("/v1/responses", { input: hi, max_output_tokens: 1 });
  const { id } = response as { id: string };
  const refused = await json<{ error: object }>(
    server.post("/v1/messages", { model: "builtin", messages: hi }),
  );
  const { type, message } = refused.error as { type: string; message: string };
  const called = await json<{ data: object[] }>(server.get("/v1/models", anthropicKey));
  const items = await json<{ object: string; data: object[] }>(server.get(`/v1/responses/${id}/input_items`));
  const embedded = await json<{ usage: { prompt_tokens: number; total_tokens: number } }>(
    server.post("/v1/embeddings", { input: ["a"] }),
  );
  const { prompt_tokens, total_tokens } = embedded.usage;
  const samples: Sample[] = [
    { type: 'Omit<Responses.Response, "output_text">', value: await json(server.get(`/v1/responses/${id}`)) },
    { type: "ResponseItemList", value: items },
    { type: "InputTokenCountResponse", value: await post("/v1/responses/input_tokens", { input: hi }) },
    {
      type: "Anthropic.MessageTokensCount",
      value: await post("/v1/messages/count_tokens", { messages: hi }),
    },
    // Beside OpenAI's fields usage has an extra of this server's.
    { type: "CreateEmbeddingResponse", value: { ...embedded, usage: { prompt_tokens, total_tokens } } },
    ...called.data.map((value) => ({ type: "ModelInfo", value })),
    { type: "Omit<ErrorResponse, 'request_id'>", value: { ...refused, error: { type, message } } },
  ];
  assert.deepEqual(typeErrors(samples), []);
});

test("a body of a megabyte is too long by its tokens, and not by its bytes", async () => {
  const refused = await started.chat({ messages: [{ role: "user", content: "and then ".repeat(140_000) }] });
  assert.equal(refused.status, 400);
  const { error } = await json<{ error: { code: string; message: string } }>(refused);
  assert.equal(error.code, "context_length_exceeded");
  assert.match(error.message, /maximum context length is 1024 tokens/);
});

/** Fields of other local servers: what would change the result here, and what clients send where they want nothing. */
const foreign: ReadonlyArray<readonly [field: string, changing: unknown, neutral: unknown]> = [
  ["mirostat", 2, 0],
  ["mirostat_mode", 1, 0],
  ["typical_p", 0.9, 1],
  ["typ_p", 0.9, 1],
  ["typical", 0.9, 1],
  ["tfs_z", 0.9, 1],
  ["tfs", 0.9, 1],
  ["top_n_sigma", 1.5, -1],
  ["nsigma", 1.5, 0],
  ["top_a", 0.1, 0],
  ["epsilon_cutoff", 3, 0],
  ["eta_cutoff", 3, 0],
  ["dynatemp_range", 0.5, 0],
  ["dynamic_temperature", true, false],
  ["smoothing_factor", 0.2, 0],
  ["adaptive_target", 0.4, -1],
  ["xtc_probability", 0.5, 0],
  ["dry_multiplier", 0.8, 0],
  ["no_repeat_ngram_size", 3, 0],
  ["encoder_repetition_penalty", 1.2, 1],
  ["repetition_penalty_range", 100, 0],
  ["penalize_nl", false, true],
  ["do_sample", false, true],
  ["penalty_alpha", 0.6, 0],
  ["use_beam_search", true, false],
  ["num_beams", 4, 1],
  ["guidance_scale", 2, 1],
  ["min_keep", 5, 0],
  ["bad_words", ["no"], []],
  ["bad_words_ids", [[1]], []],
  ["banned_strings", ["no"], []],
  ["banned_tokens", [1], ""],
  ["custom_token_bans", "1,2", ""],
  ["logits_processors", ["a.b"], []],
  ["min_length", 5, 0],
  ["min_new_tokens", 5, 0],
  ["t_max_predict_ms", 500, -1],
  ["t_max_prompt_ms", 500, -1],
  ["n_indent", 2, 0],
  ["stopping_strings", ["\nUser"], []],
  ["custom_stopping_strings", "\nUser", ""],
  ["stop_sequence", ["\nUser"], []],
  ["grammar_string", "root ::= [0-9]", ""],
  ["grammar_lazy", true, false],
  ["negative_prompt", "rude", ""],
  ["lora", [{ id: 0, scale: 1 }], []],
  ["truncate_prompt_tokens", 10, -1],
  ["add_bos_token", false, true],
  ["add_generation_prompt", false, true],
  ["chat_template", "{{ messages }}", ""],
  ["documents", [{ title: "a" }], []],
  ["image_data", [{ data: "" }], []],
  ["skip_special_tokens", false, true],
  ["include_stop_str_in_output", true, false],
  ["detokenize", false, true],
  ["prompt_logprobs", 0, null],
  ["n_probs", 3, 0],
  ["post_sampling_probs", true, false],
  ["return_tokens", true, false],
  ["return_token_ids", true, false],
  ["return_tokens_as_token_ids", true, false],
  ["reasoning_format", "none", "auto"],
  ["parse_tool_calls", false, true],
];
/** What means nothing without one of those, and is sent with it. */
const qualifiers = {
  mirostat_tau: 5,
  mirostat_eta: 0.1,
  dry_base: 1.75,
  dry_allowed_length: 2,
  dry_sequence_breakers: ["\n"],
  xtc_threshold: 0.1,
  dynatemp_exponent: 1,
  length_penalty: 1.2,
  early_stopping: false,
  smoothing_curve: 1,
  spaces_between_special_tokens: true,
  n_keep: 0,
  num_keep: 24,
};

/** Every route that generates for clients of other servers, with the least that it takes, and where it has such fields. */
const generating = [
  ["/v1/chat/completions", { messages: hi, max_tokens: 1 }, undefined],
  ["/v1/completions", { prompt: "hi", max_tokens: 1 }, undefined],
  ["/v1/responses", { input: "hi", max_output_tokens: 1, store: false }, undefined],
  ["/v1/messages", { messages: hi, max_tokens: 1 }, undefined],
  ["/v1/chat", { prompt: "hi", max_new_tokens: 1 }, undefined],
  ["/api/chat", { model: "builtin", messages: hi, stream: false }, "options"],
  ["/api/generate", { model: "builtin", prompt: "hi", stream: false }, "options"],
] as const;

test("what other servers' fields would change is refused by name, and their neutral values are taken", async () => {
  for (const [path, body, place] of generating) {
    const post = (fields: object) =>
      started.server.post(
        path,
        place === undefined ? { ...body, ...fields } : { ...body, [place]: { num_predict: 1, ...fields } },
      );
    const neutral = Object.fromEntries(foreign.map(([field, , value]) => [field, value]));
    const taken = await post({ ...neutral, ...qualifiers });
    assert.equal(taken.status, 200, `${path}: ${await taken.clone().text()}`);
    await taken.text();
    await Promise.all(
      foreign.map(async ([field, value]) => {
        const refused = await post({ [field]: value });
        const text = await refused.text();
        assert.equal(refused.status, 400, `${path} ${field}: ${text}`);
        assert.match(text, new RegExp(`\\b${field}\\b is not supported`));
      }),
    );
  }
});

test("the foreign fields that are tried here are all that are refused", () => {
  const refused = foreignFieldsBut("best_of", "echo", "add_special_tokens").filter(
    ({ isWish }) => isWish !== true,
  );
  assert.deepEqual(refused.map(({ param }) => param).sort(), foreign.map(([field]) => field).sort());
});

test("wishes of other servers' clients are taken, and told", async () => {
  const wishes = { samplers: ["top_k", "temperature"], id_slot: 2, num_ctx: 8192, priority: 0 };
  for (const [path, body] of generating.filter(([, , place]) => place === undefined)) {
    const { not_honoured: notes } = await json<{ not_honoured?: Array<{ param: string }> }>(
      started.server.post(path, { ...body, ...wishes }),
    );
    const told = notes?.map(({ param }) => param).sort();
    // The contract fixes this one's answer; its log line tells.
    assert.deepEqual(told, path === "/v1/chat" ? undefined : ["id_slot", "num_ctx", "samplers"], path);
  }
});

test("where an answer may end, and of which tokens it is, hold on every route that takes them", async () => {
  const completed = async (path: string, body: object) => {
    const response = await started.server.post(path, body);
    const text = await response.text();
    assert.equal(response.status, 200, `${path}: ${text}`);
    return JSON.parse(text) as {
      usage?: { completion_tokens?: number; output_tokens?: number };
      eval_count?: number;
    };
  };
  for (const [path, least, place] of generating) {
    // The one takes no such fields, and the other goes on with a text that has no turns.
    if (path === "/v1/chat" || path === "/v1/completions") continue;
    const limit = path === "/v1/responses" ? "max_output_tokens" : "max_tokens";
    const post = (fields: object, most: number) =>
      completed(
        path,
        place === undefined
          ? { ...least, [limit]: most, temperature: 0, ...fields }
          : { ...least, [place]: { num_predict: most, temperature: 0, ...fields } },
      );
    const tokensOf = ({ usage, eval_count: count }: Awaited<ReturnType<typeof completed>>) =>
      count ?? usage?.completion_tokens ?? usage?.output_tokens;
    const own = tokensOf(await post({}, 60)) ?? 0;
    assert.ok(own < 60, `${path} ends by itself`);
    assert.equal(tokensOf(await post({ ignore_eos: true }, 60)), 60, path);
    assert.equal(tokensOf(await post({ ban_eos_token: true }, 60)), 60, path);
    assert.ok((tokensOf(await post({ min_tokens: own + 1 }, 60)) ?? 0) > own, path);
  }
});

test("tokens that end an answer are not part of it, and no others than the allowed ones are drawn", async () => {
  const ask = async (fields: object) =>
    (
      await json<{ choices: Array<{ text: string; finish_reason: string }> }>(
        started.server.post("/v1/completions", {
          prompt: "Hello",
          temperature: 0,
          max_tokens: 12,
          ...fields,
        }),
      )
    ).choices[0];
  const { tokens } = await json<{ tokens: number[] }>(
    started.server.post("/v1/tokenize", { content: " a b", add_special: false }),
  );
  const only = await ask({ allowed_token_ids: tokens, temperature: 1, seed: 3 });
  assert.match(only?.text ?? "", /^[ ab]+$/);
  assert.equal(only?.finish_reason, "length");
  const last = tokens.at(-1);
  const ended = await ask({
    allowed_token_ids: tokens,
    stop_token_ids: [last],
    logit_bias: { [`${last}`]: 100 },
  });
  assert.deepEqual([ended?.text, ended?.finish_reason], ["", "stop"]);
  const kept = await ask({
    allowed_token_ids: tokens,
    stop_token_ids: [last],
    min_tokens: 3,
    logit_bias: { [`${last}`]: 100 },
  });
  assert.equal(kept?.finish_reason, "stop");
  assert.ok((kept?.text ?? "").length > 0);
  for (const field of ["allowed_token_ids", "stop_token_ids"]) {
    const refused = await started.server.post("/v1/completions", { prompt: "a", [field]: [999_999] });
    assert.equal(refused.status, 400);
    assert.match(await refused.text(), new RegExp(field));
  }
});

test("a seed of -1 is any, and limits and switches are known by other servers' names", async () => {
  const text = async (fields: object) =>
    (
      await json<{ choices: Array<{ text: string }>; usage: { completion_tokens: number } }>(
        started.server.post("/v1/completions", { prompt: "A", max_tokens: 24, ignore_eos: true, ...fields }),
      )
    ).choices[0]?.text;
  assert.notEqual(await text({ seed: -1, temperature: 2 }), await text({ seed: -1, temperature: 2 }));
  assert.equal(await text({ seed: 5, temperature: 2 }), await text({ seed: 5, temperature: 2 }));
  const { usage } = await json<{ usage: { completion_tokens: number } }>(
    started.chat({ max_tokens: undefined, n_predict: 7, ignore_eos: true, enable_thinking: false }),
  );
  assert.equal(usage.completion_tokens, 7);
  const free = { stream: false, max_tokens: -1, temperature: 0 };
  const { choices } = await json<{ choices: Array<{ finish_reason: string }> }>(started.chat(free));
  assert.equal(choices[0]?.finish_reason, "stop");
});
