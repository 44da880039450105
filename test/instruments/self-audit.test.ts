import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError } from "../../src/errors.ts";
import type { ReplayVerdict } from "../../src/instruments/replay/replay.ts";
import { SelfAudit } from "../../src/instruments/replay/self-audit.ts";

const quiet = () => {};
const changed = { field: "device", was: "cpu", is: "gpu" };

test("answers are audited when it is time and nothing else is to be done, each of them once", async () => {
  const verdicts: Record<string, ReplayVerdict> = { a: "identical", b: "consistent", c: "contradicted" };
  const asked: string[] = [];
  const counted: ReplayVerdict[] = [];
  let now = 0;
  let isIdle = false;
  const ids = ["a", "gone", "b"];
  const audit = new SelfAudit({
    kept: { ids },
    replayer: {
      replay: async (id, level, { lane }) => {
        asked.push(`${id} ${level} ${lane}`);
        const verdict = verdicts[id];
        if (verdict === undefined) throw new ApiError("conflict", "its model is gone");
        return {
          level,
          requestId: id,
          verdict,
          facts: {},
          differences: id === "b" ? [changed] : [],
          generations: [],
        };
      },
    },
    isIdle: () => isIdle,
    everyMs: 1000,
    onAudited: (verdict) => counted.push(verdict),
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    stopping: new AbortController().signal,
    now: () => now,
  });
  isIdle = true;
  await audit.look();
  assert.deepEqual(asked, []);
  now = 1000;
  isIdle = false;
  await audit.look();
  assert.deepEqual(asked, []);
  isIdle = true;
  await audit.look();
  assert.deepEqual(asked, ["a score batch", "gone score batch", "b score batch"]);
  assert.deepEqual(counted, ["identical", "different"]);
  ids.push("c");
  await audit.look();
  now = 2000;
  await audit.look();
  assert.deepEqual(counted, ["identical", "different", "contradicted"]);
});
