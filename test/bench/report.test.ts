import assert from "node:assert/strict";
import { test } from "node:test";
import { lastEvent } from "../../bench/load/client.ts";
import { chatDialect, completionDialect } from "../../bench/load/dialect.ts";
import type { Outcome } from "../../bench/load/outcome.ts";
import { compare, medianOf } from "../../bench/report/comparison.ts";
import { formatNumber, toMarkdown } from "../../bench/report/markdown.ts";
import type { Measurement, RunHeader } from "../../bench/report/report.ts";
import { niceCeiling, toSvg } from "../../bench/report/svg.ts";
import { ratioCheck } from "../../bench/scenarios/alternation.ts";
import { splitGaps } from "../../bench/scenarios/arrival-gap.ts";
import { deliveredTokens } from "../../bench/scenarios/overload.ts";
import { parseStat } from "../../bench/servers/process-tree.ts";
import { MetricsReading } from "../../bench/servers/prometheus.ts";

const measured = (side: string, round: number, tokensPerSecond: number): Measurement => ({
  case: "C=8",
  side,
  round,
  figures: { tokensPerSecond },
  failures: round === 1 && side === "ours" ? { "503 queue_full": 2 } : {},
});
const measurements = [
  measured("ours", 1, 100),
  measured("peer", 1, 50),
  measured("ours", 2, 30),
  measured("peer", 2, 20),
  measured("ours", 3, 90),
  measured("peer", 3, 90),
];

test("ratios are taken round by round, and reported with their spread", () => {
  const [ratio] = compare(measurements);
  assert.deepEqual(ratio?.spread, { median: 1.5, min: 1, max: 2, values: [2, 1.5, 1] });
  assert.equal(medianOf(measurements, "C=8", "ours", "tokensPerSecond"), 90);
});

test("against a baseline the bar is that nothing was lost", () => {
  const sides = measurements.map((each) => (each.side === "peer" ? { ...each, side: "baseline" } : each));
  const [check] = ratioCheck(sides, "C=8", "tokensPerSecond", { atLeast: 1.6 });
  assert.deepEqual(check, {
    what: "tokensPerSecond, C=8, ours / baseline",
    measured: "1.500 (1.000 – 2.000)",
    bar: "≥ 0.98",
    isMet: true,
  });
  const [ofPeer] = ratioCheck(measurements, "C=8", "tokensPerSecond", { atLeast: 1.6 });
  assert.equal(ofPeer?.isMet, false);
});

test("without a peer there are no ratios", () => {
  assert.deepEqual(compare(measurements.filter(({ side }) => side === "ours")), []);
});

test("the Markdown has bars, medians, ratios, failures and notes", () => {
  const header: RunHeader = {
    scenario: "unrelated",
    startedAt: "2026-01-02T03:04:05.000Z",
    model: "a model",
    seed: 1,
    cpu: "a CPU",
    cores: 2,
    memoryGib: 24,
    node: "24.0.0",
    commit: "abc",
    arguments: ["unrelated"],
  };
  const check = { what: "speed", measured: "0.9", bar: "≥ 1", isMet: false };
  const text = toMarkdown(header, { measurements, checks: [check], charts: [], notes: ["a note"] });
  assert.match(text, /\| speed \| 0\.9 \| ≥ 1 \| \*\*no\*\* \|/);
  assert.match(text, /\| tokensPerSecond \| 90 \| 50 \|/);
  assert.match(text, /\| C=8 \| tokensPerSecond \| 1\.500 \| 1\.000 – 2\.000 \|/);
  assert.match(text, /\| C=8 ours, round 1 \| 503 queue_full \| 2 \|/);
  assert.match(text, /- a note/);
});

test("plots are well-formed, with labels escaped and axes at round numbers", () => {
  const svg = toSvg({
    name: "x",
    title: "a < b & c",
    xLabel: "x",
    yLabel: "y",
    lines: [
      {
        label: "ours",
        points: [
          [0, 0],
          [40, 870],
        ],
      },
    ],
  });
  assert.match(svg, /a &lt; b &amp; c/);
  assert.match(svg, />1000</);
  assert.doesNotMatch(svg, /NaN/);
  assert.deepEqual([0, 0.3, 87, 101, 250].map(niceCeiling), [1, 0.5, 100, 200, 250]);
  assert.equal(formatNumber(0.01234), "0.0123");
});

const streamed = (startedAtMs: number, arrivalsMs: readonly number[], failure?: string): Outcome => ({
  startedAtMs,
  status: 200,
  failure,
  latencyMs: arrivalsMs.at(-1) ?? 0,
  arrivalsMs,
  usage: {
    promptTokens: 1,
    completionTokens: 8,
    cachedPromptTokens: 0,
    draftedTokens: 0,
    acceptedTokens: 0,
  },
  retryAfterSeconds: undefined,
});

test("gaps are told apart by whether a prompt was arriving", () => {
  const streams = [streamed(1000, [10, 20, 70, 80])];
  const arrivals = [streamed(1030, [25])];
  assert.deepEqual(splitGaps(streams, arrivals), { during: [50], otherwise: [10, 10] });
});

test("goodput counts what was delivered in time, of answers that were finished", () => {
  const whole = streamed(1000, [100, 200, 900, 1100]);
  const later = streamed(1950, [10, 100]);
  const broken = streamed(1000, [100, 200], "ECONNRESET");
  assert.equal(deliveredTokens([whole, later, broken], 1000), 6 + 4);
});

test("the last event of each server's stream gives its own count of tokens", () => {
  const ours =
    'data: {"token":" a"}\n\ndata: {"response":" a","prompt_tokens":3,"completion_tokens":1,' +
    '"cached_prompt_tokens":2,"speculation":{"drafted":4,"accepted":1}}\n\ndata: [DONE]\n\n';
  assert.deepEqual(chatDialect.usage(lastEvent(ours)), {
    promptTokens: 3,
    completionTokens: 1,
    cachedPromptTokens: 2,
    draftedTokens: 4,
    acceptedTokens: 1,
  });
  const peer =
    'data: {"content":" a","stop":false}\n\ndata: {"content":"","stop":true,"tokens_predicted":1,' +
    '"tokens_evaluated":3,"timings":{"cache_n":2}}\n\n';
  assert.equal(completionDialect.usage(lastEvent(peer))?.cachedPromptTokens, 2);
  assert.equal(chatDialect.usage(lastEvent('data: {"error":{"code":"x"}}\n\ndata: [DONE]\n\n')), undefined);
  assert.deepEqual(lastEvent("data: {broken"), {});
});

test("metrics are summed over the series that carry the labels", () => {
  const reading = new MetricsReading('# HELP a b\na{x="1",y="2"} 3\na{x="1",y="3"} 4\na{x="2"} 5\nab 9\n');
  assert.equal(reading.sum("a"), 12);
  assert.equal(reading.sum("a", { x: "1" }), 7);
  assert.equal(reading.sum("c"), undefined);
});

test("a process's line in /proc is read whatever its name holds", () => {
  const rest = "S 7 0 0 0 0 0 0 0 0 0 100 20 3 4 0 0 0 0 0 0 2048 0";
  assert.deepEqual(parseStat(`42 (a) b (c) ${rest}`), { parent: 7, cpuTicks: 127, residentPages: 2048 });
  assert.equal(parseStat(""), undefined);
});
