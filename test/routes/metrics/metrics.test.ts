import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { chat, greedy, streamedChat } from "../../support/chat.ts";
import { json, metric, startServer, type TestServer, until } from "../../support/server.ts";

const key = "marker-key-7d1f";
const secrets = [
  "marker-prompt-51c3",
  "marker-response-90ab",
  "marker-wrong-key-33e",
  key,
  "marker-query-6a",
];

let server: TestServer;
let small: TestServer;
before(async () => {
  [server, small] = await Promise.all([
    startServer({ env: { CONTEXT_SIZE: "512" } }),
    startServer({ env: { API_KEY: key, METRICS_PORT: "0" } }),
  ]);
});
after(async () => {
  await Promise.all([server[Symbol.asyncDispose](), small[Symbol.asyncDispose]()]);
});

const text = async () => (await server.get("/v1/metrics")).text();

test("every name of the contract is there, with help and type", async () => {
  const metrics = await text();
  for (const [name, type] of Object.entries({
    http_requests_total: "counter",
    http_request_duration_ms: "histogram",
    inference_tokens_prompt_total: "counter",
    inference_tokens_completion_total: "counter",
    inference_time_to_first_token_ms: "histogram",
    inference_time_per_output_token_ms: "histogram",
    inference_queue_depth: "gauge",
    inference_running_sequences: "gauge",
    inference_kv_cache_usage_ratio: "gauge",
    inference_prefix_cache_hit_tokens_total: "counter",
    rate_limit_rejections_total: "counter",
    engine_restarts_total: "counter",
    model_load_duration_ms: "gauge",
    nodejs_eventloop_lag_p99_seconds: "gauge",
    process_resident_memory_bytes: "gauge",
  })) {
    assert.match(metrics, new RegExp(`^# TYPE ${name} ${type}$`, "m"), name);
    assert.match(metrics, new RegExp(`^# HELP ${name} .`, "m"), name);
  }
  assert.match(metrics, /^llm_build_info\{version="\d[^"]*",node="24[^"]*",llama_cpp="v[^"]*"\} 1$/m);
});

test("the counters say what a known set of requests did", async () => {
  const names = [
    "inference_tokens_prompt_total",
    "inference_tokens_completion_total",
    "inference_generations_total",
    "inference_time_to_first_token_ms_count",
    "inference_time_per_output_token_ms_count",
    "inference_prefix_cache_hit_tokens_total",
  ];
  const read = async () => Promise.all(names.map((name) => metric(server, name)));
  const before = await read();
  const answers = await Promise.all([
    chat(server, greedy),
    chat(server, { ...greedy, max_new_tokens: 7 }),
    chat(server, { ...greedy, max_new_tokens: 1 }),
    streamedChat(server, greedy).then(({ answer }) => answer),
  ]);
  const sum = (of: (answer: (typeof answers)[number]) => number) =>
    answers.reduce((total, answer) => total + of(answer), 0);
  const since = (await read()).map((value, index) => value - (before[index] ?? 0));
  assert.deepEqual(since, [
    sum((answer) => answer.prompt_tokens),
    sum((answer) => answer.completion_tokens),
    4,
    4,
    3,
    sum((answer) => answer.cached_prompt_tokens),
  ]);
});

test("requests are counted by method, route and status, and never by what a client made up", async () => {
  await server.get("/nowhere/marker-path");
  await server.post("/chat", {});
  await (await server.post("/%63hat", { ...greedy, max_new_tokens: 1 })).text();
  await until(async () => /route="unmatched",status="404"/.test(await text()));
  const metrics = await text();
  assert.match(metrics, /http_requests_total\{method="POST",route="\/chat",status="400"\} 1/);
  assert.doesNotMatch(metrics, /marker-path|%63/);
});

test("at rest nothing is queued, running or held", async () => {
  for (const name of [
    "inference_queue_depth",
    "inference_running_sequences",
    "inference_kv_cache_usage_ratio",
  ])
    assert.equal(await metric(server, name), 0, name);
  assert.equal(await metric(server, "engine_restarts_total"), 0);
  assert.ok((await metric(server, "model_load_duration_ms")) > 0);
});

test("METRICS_PORT serves the same without a key, and nothing else", async () => {
  const line = small.log.find(({ msg }) => msg.startsWith("metrics on "));
  const url = line?.msg.slice("metrics on ".length) ?? "";
  const response = await fetch(url);
  assert.equal(response.status, 200);
  assert.match(await response.text(), /^http_requests_total/m);
  assert.equal((await fetch(url.replace("/metrics", "/model"))).status, 404);
});

test("no key, prompt, answer or query string is in the log at its default level", async () => {
  const headers = { "x-api-key": key };
  const prompt = "say marker-prompt-51c3";
  await json(small.post("/chat", { prompt, max_new_tokens: 3 }, headers));
  await (await small.post("/v1/chat", { prompt, max_new_tokens: 3, stream: true }, headers)).text();
  await json(small.post("/v1/chat", { prompt, temperature: "marker-prompt-51c3" }, headers));
  await json(small.post("/v1/chat", { prompt }, { "x-api-key": "marker-wrong-key-33e" }));
  await json(small.post("/chat", `{"prompt":"marker-prompt-51c3`, headers));
  await json(small.post("/evaluate", { prompt, response: "marker-response-90ab" }, headers));
  await json(small.get("/v1/models?api_key=marker-query-6a", headers));
  await json(small.get("/nowhere?token=marker-query-6a", headers));
  await until(() => small.log.filter(({ msg }) => msg === "request").length >= 8);
  const log = JSON.stringify(small.log);
  for (const secret of secrets) assert.ok(!log.includes(secret), secret);
});
