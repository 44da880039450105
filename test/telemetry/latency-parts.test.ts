import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { GenerationParts } from "../../src/inference/generation-parts.ts";
import { TimeAccount } from "../../src/inference/scheduler/time-account.ts";
import { latencyParts } from "../../src/telemetry/latency-parts.ts";
import { verdict } from "../../src/telemetry/verdict.ts";

const usage = {
  promptTokens: 10,
  cachedPromptTokens: 0,
  completionTokens: 5,
  reasoningTokens: 0,
  draftedTokens: 0,
  acceptedTokens: 0,
};

/** A generation from `arrivedAt` on that spent its time as given, in milliseconds. */
function spent(arrivedAt: number, prepare: number, queue: number, prefill: number, decode: number) {
  const time = new TimeAccount(arrivedAt);
  let now = arrivedAt + prepare;
  time.waited("prepare", now);
  now += queue;
  time.waited("sequence", now);
  now += prefill;
  time.computed({ own_prefill: prefill / 2, weights: prefill / 4 }, prefill / 8, now);
  time.begunDecoding();
  now += decode;
  time.computed({ weights: decode * 2 }, 0, now);
  return { arrivedAt, endedAt: now, parts: time.parts satisfies GenerationParts };
}

const ms = fc.double({ min: 0, max: 5000, noNaN: true });

test("the parts of a request add up to its latency, and the verdict's classes to the same", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(ms, ms, ms, ms, ms), { maxLength: 4 }),
      fc.tuple(ms, ms, ms),
      (generations, [receive, rest, send]) => {
        let now = 100 + receive;
        const spans = generations.map(([between, prepare, queue, prefill, decode], index) => {
          // The first one's own time begins with the request's, as it does in answers of one generation.
          const span = spent(
            index === 0 ? 100 : now + between,
            index === 0 ? receive + prepare : prepare,
            queue,
            prefill,
            decode,
          );
          now = span.endedAt;
          return span;
        });
        const endedAt = now + rest;
        const parts = latencyParts({
          arrivedAt: 100,
          receivedAt: 100 + receive,
          endedAt,
          sendMs: send,
          generations: spans,
        });
        const sum = Object.values(parts).reduce((total, part) => total + part, 0);
        assert.ok(Math.abs(sum - (endedAt - 100)) < 1e-6, `${sum} of ${endedAt - 100}`);
        const classes = Object.values(verdict(parts, usage).classesMs).reduce(
          (total, part) => total + part,
          0,
        );
        assert.ok(Math.abs(sum - classes) < 1e-6);
      },
    ),
  );
});

for (const [limiter, [prepare, queue, prefill, decode]] of Object.entries({
  queue: [1, 900, 10, 20],
  prefill_compute: [1, 2, 900, 20],
  memory_bandwidth: [1, 2, 10, 900],
  server: [900, 2, 10, 20],
} as const)) {
  test(`an answer whose time went there is bound by ${limiter}`, () => {
    const span = spent(0, prepare, queue, prefill, decode);
    const parts = latencyParts({
      arrivedAt: 0,
      receivedAt: 0,
      endedAt: span.endedAt,
      sendMs: 0,
      generations: [span],
    });
    const { class: name, share, cause } = verdict(parts, usage);
    assert.equal(name, limiter);
    assert.ok(share > 0.4 && cause.includes("%"));
  });
}

test("a client that reads slowly bounds its own answer, and an earlier answer is bound by nothing", () => {
  const span = spent(0, 1, 1, 5, 20);
  const request = {
    arrivedAt: 0,
    receivedAt: 0,
    endedAt: span.endedAt + 500,
    sendMs: 490,
    generations: [span],
  };
  assert.equal(verdict(latencyParts(request), usage).class, "client");
  assert.equal(verdict(latencyParts(request), usage, true).class, "cache");
});
