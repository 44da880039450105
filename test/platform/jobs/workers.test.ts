import assert from "node:assert/strict";
import { test } from "node:test";
import { UnavailableError } from "../../../src/errors.ts";
import { Workers, type WorkersOptions } from "../../../src/platform/jobs/workers.ts";
import { until } from "../../support/server.ts";

const unreachable = new UnavailableError("store_unavailable", "The store can't be reached.");

function workers(options: Partial<WorkersOptions>): Workers {
  return new Workers({ work: async () => {}, onDefect: async () => {}, onRetry: () => {}, ...options });
}

test("work that fails for a reason that passes is tried again, and says why until then", async () => {
  let tries = 0;
  const pauses: number[] = [];
  const pool = workers({
    work: async () => {
      tries++;
      if (tries === 1) throw unreachable;
    },
    onRetry: (_id, _error, pauseMs) => pauses.push(pauseMs),
  });
  pool.start("a");
  await until(() => pauses.length === 1);
  assert.equal(pool.failure("a"), unreachable);
  await until(() => !pool.has("a"));
  assert.equal(tries, 2);
  assert.equal(pool.failure("a"), undefined);
});

test("a defect ends the work once that is written down, and not before", async () => {
  const written: string[] = [];
  let isStoreAway = true;
  const pool = workers({
    work: async () => {
      throw new TypeError("a defect");
    },
    onDefect: async (id, error) => {
      if (isStoreAway) {
        isStoreAway = false;
        throw unreachable;
      }
      written.push(`${id}: ${(error as Error).message}`);
    },
  });
  pool.start("a");
  await until(() => pool.failure("a") !== undefined);
  assert.equal(pool.failure("a"), unreachable);
  await until(() => !pool.has("a"));
  assert.deepEqual(written, ["a: a defect"]);
});

test("what is started while it ends is worked on again; after a stop nothing is", async () => {
  const begun: string[] = [];
  const pool = workers({
    work: async (id, signal) => {
      begun.push(id);
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
    },
  });
  pool.start("a");
  pool.start("b");
  const ended = pool.end("a");
  pool.start("a");
  await ended;
  await until(() => begun.length === 3);
  await pool.stop();
  pool.start("c");
  assert.deepEqual(begun, ["a", "b", "a"]);
  assert.equal(pool.has("c"), false);
});
