import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { EngineStats } from "../../src/inference/engine.ts";
import { Metrics } from "../../src/telemetry/metrics.ts";
import { verdict } from "../../src/telemetry/verdict.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const file = (name: string) => new URL(`../../deploy/${name}`, import.meta.url).pathname;

const stats: EngineStats = {
  queueDepth: 2,
  runningSequences: 3,
  kvCacheUsage: 0.25,
  prefixCacheHitTokens: 10,
  restarts: 0,
  threads: 2,
  stepMs: 100,
  computeMs: 90,
  decodeSteps: 5,
  decodePasses: 5,
  sharedKvCaches: 0,
  kvLayoutChanges: 0,
};
const usage = {
  promptTokens: 20,
  cachedPromptTokens: 10,
  completionTokens: 11,
  reasoningTokens: 0,
  draftedTokens: 0,
  acceptedTokens: 0,
};

/** Every metric of the server, each with a value. */
async function metricsText(): Promise<string> {
  const metrics = new Metrics();
  metrics.watch({ stats });
  metrics.watchModels(() => [{ name: "m", stats }]);
  metrics.watchStore(() => true);
  metrics.generationFinished("m", "stop", usage, { queueMs: 5, prefillMs: 20, decodeMs: 500 });
  metrics.generationFinished("m", "cancelled", usage, { queueMs: 5, prefillMs: 20, decodeMs: 500 });
  metrics.answerLimited(verdict({ wait_sequence: 5, decode_weights: 520 }, usage));
  metrics.requestFinished("POST", "/chat", 200, 525);
  metrics.requestFailed({ code: "service_unavailable", reason: "queue_full" });
  return metrics.registry.metrics();
}

/** Names of the samples: histograms have three each. */
function sampleNames(text: string): ReadonlySet<string> {
  return new Set(text.split("\n").flatMap((line) => /^[a-z_:0-9]+/i.exec(line)?.[0] ?? []));
}

/** Metrics that a PromQL expression reads. */
function namesIn(expression: string): readonly string[] {
  const bare = expression.replaceAll(/\{[^}]*\}|\[[^\]]*\]|"[^"]*"|\b(by|without)\s*\([^)]*\)/g, " ");
  return [...bare.matchAll(/\b[a-z][a-z0-9_:]*_[a-z0-9_:]+\b(?!\s*\()/g)].map(([name]) => name);
}

test("every metric that the dashboard and the alert rules read is one of the server's", async () => {
  const known = sampleNames(await metricsText());
  const { panels } = JSON.parse(readFileSync(file("grafana/llm-server.json"), "utf8")) as {
    panels: ReadonlyArray<{ title: string; targets: ReadonlyArray<{ expr: string }> }>;
  };
  assert.ok(panels.length > 8);
  for (const { title, targets } of panels) {
    const names = targets.flatMap(({ expr }) => namesIn(expr));
    assert.ok(names.length > 0, title);
    assert.deepEqual(
      names.filter((name) => !known.has(name)),
      [],
      title,
    );
  }
  const rules = readFileSync(file("prometheus/alerts.yml"), "utf8");
  const expressions = [...rules.matchAll(/expr: (>-\n((?: {10}.*\n)+)|.*\n)/g)].map(([, text = ""]) => text);
  assert.ok(expressions.length >= 5);
  const named = expressions.flatMap(namesIn);
  assert.deepEqual(
    named.filter((name) => !known.has(name)),
    [],
  );
});

test("the figures are there under vLLM's names, in its units, a series a model", async () => {
  const text = await metricsText();
  for (const line of [
    'vllm:num_requests_running{model_name="m",engine="0"} 3',
    'vllm:num_requests_waiting{model_name="m",engine="0"} 2',
    'vllm:kv_cache_usage_perc{model_name="m",engine="0"} 0.25',
    'vllm:prompt_tokens_total{model_name="m",engine="0"} 40',
    'vllm:generation_tokens_total{model_name="m",engine="0"} 22',
    'vllm:prefix_cache_hits_total{model_name="m",engine="0"} 20',
    'vllm:request_success_total{model_name="m",engine="0",finished_reason="abort"} 1',
    'vllm:time_to_first_token_seconds_bucket{le="0.04",model_name="m",engine="0"} 2',
    'vllm:request_time_per_output_token_seconds_sum{model_name="m",engine="0"} 0.1',
  ])
    assert.ok(text.includes(`${line}\n`), line);
  assert.match(text, /^vllm:e2e_request_latency_seconds_sum\{.*\} 1\.05$/m);
});

const promtool = ["/usr/bin/promtool", process.env["PROMTOOL"] ?? ""].find((path) => existsSync(path));
const skip = promtool === undefined ? "needs promtool, of Debian's package prometheus (or PROMTOOL)" : false;

test("Prometheus's own checker takes the metrics and the rules", { skip }, async (t) => {
  assert.ok(promtool !== undefined);
  const path = join(await temporaryDirectory(t), "metrics.txt");
  writeFileSync(path, await metricsText());
  const check = (...args: string[]) => {
    const { stdout, stderr } = spawnSync(promtool, args, { input: readFileSync(path), encoding: "utf8" });
    return `${stdout}${stderr}`;
  };
  const lint = check("check", "metrics")
    .split("\n")
    .filter((line) => line !== "");
  // Names that others gave: the contract's milliseconds, vLLM's colons, and those of prom-client's Node metrics.
  const given = /^(\w+_ms(_total)? .*abbreviated units|vllm:\w+ .*contain ':'|nodejs_\w+ .*"_total" suffix)$/;
  assert.deepEqual(
    lint.filter((line) => !given.test(line)),
    [],
  );
  assert.match(check("check", "rules", file("prometheus/alerts.yml")), /SUCCESS: \d+ rules found/);
});
