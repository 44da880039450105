/**
 * Batch evaluations beside their peer and beside interactive traffic (docs/evaluation.md): `npm run bench:eval`.
 * `LLAMA_SERVER_BIN` names the peer; without it only our side is measured.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Client } from "./load/client.ts";
import { runClosedLoop } from "./load/closed-loop.ts";
import { isComplete } from "./load/outcome.ts";
import { SeededRandom } from "./load/random.ts";
import { type GenerationRequest, makeWorkload } from "./load/workload.ts";
import { benchModel } from "./models/make-model.ts";
import { percentile } from "./report/statistics.ts";
import { API_KEY, ourLaunch, peerLaunch, type ServerSettings } from "./servers/launches.ts";
import { type RunningServer, startServer } from "./servers/server.ts";

const { values } = parseArgs({
  options: {
    model: { type: "string", default: "distilgpt2" },
    records: { type: "string", default: "500" },
    concurrency: { type: "string", default: "20" },
    "rubric-tokens": { type: "string", default: "500" },
    "prompt-tokens": { type: "string", default: "40" },
    "new-tokens": { type: "string", default: "24" },
    "kv-layout": { type: "string", default: "separate" },
    rounds: { type: "string", default: "1" },
    part: { type: "string", default: "throughput" },
    /** Interactive requests that the interactive part measures. */
    requests: { type: "string", default: "60" },
  },
});
const count = (name: keyof typeof values) => Number(values[name]);
const records = count("records");
const concurrency = count("concurrency");
const newTokens = count("new-tokens");
const fixed = (value: number) => ({ type: "fixed", value }) as const;
const model = await benchModel(values.model);
const dataDir = mkdtempSync(join(tmpdir(), "llm-server-bench-"));
process.on("exit", () => rmSync(dataDir, { recursive: true, force: true }));

const rubric = makeWorkload({
  requests: 1,
  promptTokens: fixed(count("rubric-tokens")),
  newTokens: fixed(1),
  seed: 5,
})[0]?.prompt.trim();
const prompts = makeWorkload({
  requests: records,
  promptTokens: fixed(count("prompt-tokens")),
  newTokens: fixed(newTokens),
  seed: new SeededRandom(11).integer(1_000_000),
}).map(({ prompt }) => prompt.trim());

const settings: ServerSettings = {
  modelPath: model.path,
  contextSize: 1024,
  // So many that all records of the run get one: a quarter is kept for interactive requests.
  sequences: Math.ceil((concurrency * 4) / 3),
  threads: 0,
  dataDirectory: dataDir,
  env: { KV_LAYOUT: values["kv-layout"] },
};

async function api<T>(server: RunningServer, path: string, body?: object): Promise<T> {
  const response = await fetch(server.url + path, {
    headers: { "x-api-key": API_KEY, "content-type": "application/json" },
    ...(body !== undefined && { method: "POST", body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

async function upload(server: RunningServer): Promise<string> {
  const rows = prompts.map((prompt) => ({ prompt, reference: "none" }));
  const body = { name: "bench", type: "eval_set", records: rows };
  return (await api<{ dataset_id: string }>(server, "/v1/datasets", body)).dataset_id;
}

async function startRun(server: RunningServer, datasetId: string): Promise<string> {
  const { run_id } = await api<{ run_id: string }>(server, "/v1/batch-evals", {
    dataset_id: datasetId,
    metrics: { exact_match: {} },
    instructions: rubric,
    concurrency,
    generation: { max_new_tokens: newTokens },
  });
  return run_id;
}

interface RunResult {
  readonly started_at: string;
  readonly finished_at: string;
  readonly progress: { readonly completed: number; readonly failed: number };
  readonly summary: {
    readonly tokens: {
      readonly prompt_tokens: number;
      readonly cached_prompt_tokens: number;
      readonly completion_tokens: number;
    };
  };
}

/** Records a second of a whole run: from the request that made it to its last event. */
async function measureOurs(): Promise<number> {
  await using server = await startServer(ourLaunch(settings));
  const datasetId = await upload(server);
  const startedAt = performance.now();
  const runId = await startRun(server, datasetId);
  const events = await fetch(`${server.url}/v1/batch-evals/${runId}/events`, {
    headers: { "x-api-key": API_KEY },
  });
  await events.text();
  const seconds = (performance.now() - startedAt) / 1000;
  const { progress, summary } = await api<RunResult>(server, `/v1/batch-evals/${runId}/result`);
  const { prompt_tokens, cached_prompt_tokens, completion_tokens } = summary.tokens;
  console.log(
    `ours: ${(records / seconds).toFixed(2)} records/s (${seconds.toFixed(1)} s), ${progress.completed} completed, ${progress.failed} failed; prompt tokens ${prompt_tokens}, of them cached ${cached_prompt_tokens}, generated ${completion_tokens}`,
  );
  return records / seconds;
}

/** The same calls, one per record, by as many clients. */
async function measurePeer(binary: string): Promise<number> {
  await using server = await startServer(peerLaunch(binary, { ...settings, sequences: concurrency }));
  using client = new Client({
    url: server.url,
    dialect: server.dialect,
    apiKey: API_KEY,
    timeoutMs: 600_000,
  });
  const workload: GenerationRequest[] = prompts.map((prompt) => ({
    // What our server makes of instructions and prompt for a model without a chat template.
    prompt: `System: ${rubric}\nUser: ${prompt}\nAssistant:`,
    newTokens,
  }));
  const { outcomes, wallMs } = await runClosedLoop(client, workload, concurrency);
  const complete = outcomes.filter(isComplete);
  const cached = complete.reduce((sum, { usage }) => sum + (usage?.cachedPromptTokens ?? 0), 0);
  const prompt = complete.reduce((sum, { usage }) => sum + (usage?.promptTokens ?? 0), 0);
  console.log(
    `peer: ${(complete.length / (wallMs / 1000)).toFixed(2)} calls/s (${(wallMs / 1000).toFixed(1)} s), ${complete.length} complete; prompt tokens ${prompt}, of them cached ${cached}`,
  );
  return complete.length / (wallMs / 1000);
}

/** 95th percentile of interactive requests, one client, with and without a run beside it. */
async function measureInteractive(): Promise<void> {
  await using server = await startServer(ourLaunch({ ...settings, sequences: 0 }));
  using client = new Client({
    url: server.url,
    dialect: server.dialect,
    apiKey: API_KEY,
    timeoutMs: 600_000,
  });
  const ask = async (seed: number) => {
    const workload = makeWorkload({
      requests: count("requests"),
      promptTokens: fixed(100),
      newTokens: fixed(32),
      seed,
    });
    const { outcomes } = await runClosedLoop(client, workload, 1);
    const latencies = outcomes.filter(isComplete).map(({ latencyMs }) => latencyMs);
    return { p50: percentile(latencies, 50), p95: percentile(latencies, 95) };
  };
  await ask(1);
  const datasetId = await upload(server);
  const alone = await ask(2);
  const runId = await startRun(server, datasetId);
  const beside = await ask(3);
  const { status, progress } = await api<{ status: string; progress: object }>(
    server,
    `/v1/batch-evals/${runId}`,
  );
  await api(server, `/v1/batch-evals/${runId}/cancel`, {});
  const after = await ask(4);
  const show = ({ p50, p95 }: typeof alone) => `p50 ${p50?.toFixed(0)} ms, p95 ${p95?.toFixed(0)} ms`;
  console.log(`interactive alone: ${show(alone)}; beside a run: ${show(beside)}; after it: ${show(after)}`);
  console.log(`the run was ${status} then: ${JSON.stringify(progress)}`);
  console.log(`p95 beside a run / alone: ${((beside.p95 ?? 0) / (alone.p95 ?? 1)).toFixed(2)}`);
}

console.log(
  `${values.part}: ${records} records, rubric ${values["rubric-tokens"]} tokens, prompt ${values["prompt-tokens"]}, ${newTokens} new, concurrency ${concurrency}, KV layout ${values["kv-layout"]}; ${model.summary}`,
);
if (values.part === "interactive") await measureInteractive();
else {
  const peer = process.env["LLAMA_SERVER_BIN"];
  for (let round = 0; round < count("rounds"); round++) {
    const ours = await measureOurs();
    if (peer === undefined) continue;
    const theirs = await measurePeer(peer);
    console.log(`ours / peer: ${(ours / theirs).toFixed(2)}`);
  }
}
process.exit();
