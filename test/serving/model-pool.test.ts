import assert from "node:assert/strict";
import { mock, test } from "node:test";
import fc from "fast-check";
import { ApiError, UnavailableError } from "../../src/errors.ts";
import { LOAD_MS, MAX_WAIT_MS, poolOf } from "../support/fake-pool.ts";

const reason = (expected: string) => (error: unknown) =>
  error instanceof ApiError && error.details?.["reason"] === expected;

test("a model is loaded when it is asked for, once for all who wait, and kept", async (t) => {
  const { lease, model, pass } = poolOf(t, { a: { bytes: 60 } });
  const waiting = [lease("a"), lease("a"), lease("a")];
  await pass(LOAD_MS);
  for (const held of await Promise.all(waiting)) held[Symbol.dispose]();
  using _again = await lease("a");
  assert.equal(model("a").loads, 1);
});

test("a model whose engine has failed permanently is loaded anew, once for all who ask for it", async (t) => {
  const { lease, model, pass } = poolOf(t, { a: { bytes: 60 } });
  const first = lease("a");
  await pass(LOAD_MS);
  (await first)[Symbol.dispose]();
  model("a").isBroken = true;
  const waiting = [lease("a"), lease("a")];
  await pass(LOAD_MS);
  for (const held of await Promise.all(waiting)) held[Symbol.dispose]();
  assert.equal(model("a").loads, 2);
});

test("a model whose engine has failed permanently leaves, and takes no memory from others", async (t) => {
  const { lease, model, pass } = poolOf(t, { a: { bytes: 60 }, b: { bytes: 30 } });
  const first = lease("a");
  await pass(LOAD_MS);
  const held = await first;
  model("a").isBroken = true;
  held[Symbol.dispose]();
  await pass(0);
  assert.equal(model("a").isLoaded, false);
});

test("an idle model makes room; a busy one is waited for", async (t) => {
  const { lease, model, pass } = poolOf(t, { a: { bytes: 60 }, b: { bytes: 60 } });
  const first = lease("a");
  await pass(LOAD_MS);
  const held = await first;
  const second = lease("b");
  await pass(1_000);
  assert.deepEqual([model("a").isLoaded, model("b").isLoaded], [true, false], "a is in use");
  held[Symbol.dispose]();
  await pass(LOAD_MS);
  using _b = await second;
  assert.deepEqual([model("a").isLoaded, model("b").isLoaded], [false, true]);
});

test("a loading and a pinned model are not unloaded for another", async (t) => {
  const { lease, model, pass, pool } = poolOf(t, { a: { bytes: 60 }, b: { bytes: 60 } });
  const first = lease("a");
  await pass(0);
  const second = lease("b");
  await pass(LOAD_MS / 2);
  assert.deepEqual([model("a").isLoaded, model("b").isLoaded], [true, false], "a is loading");
  await pass(LOAD_MS / 2);
  const held = await first;
  pool.pin(model("a"), true);
  held[Symbol.dispose]();
  await assert.rejects(second, reason("model_unavailable"));
  assert.ok(model("a").isLoaded);
});

test("no request waits longer than the bound for a turn, and the refusal says so", async (t) => {
  const { lease, pass } = poolOf(t, { a: { bytes: 60 }, b: { bytes: 60 } });
  const first = lease("a");
  await pass(LOAD_MS);
  using _busy = await first;
  const outcome = assert.rejects(lease("b"), reason("model_busy"));
  await pass(MAX_WAIT_MS);
  await outcome;
});

test("a model that is always in use gives way to one that has waited long", async (t) => {
  const { lease, model, pass } = poolOf(t, { a: { bytes: 60 }, b: { bytes: 60 } });
  let served = 0;
  const use = async () => {
    const held = await lease("a");
    served++;
    setTimeout(() => held[Symbol.dispose](), 150);
  };
  // One request after another, each beginning before the one before has ended.
  const uses: Array<Promise<void>> = [use()];
  await pass(LOAD_MS);
  const waiting = lease("b");
  for (let at = 0; at < MAX_WAIT_MS; at += 100) {
    uses.push(use());
    await pass(100);
  }
  const held = await waiting;
  assert.ok(served > 10, "before b's turn came, a was served");
  held[Symbol.dispose]();
  await pass(1_000);
  await Promise.all(uses);
  assert.ok(model("a").loads === 2 && model("b").loads === 1, "one swap there, one back");
});

test("interleaved requests for two models that don't fit together are collated", async (t) => {
  const { lease, models, pass } = poolOf(t, { a: { bytes: 60 }, b: { bytes: 60 } });
  const done = [..."abababababab"].map(async (name) => {
    const held = await lease(name);
    setTimeout(() => held[Symbol.dispose](), 50);
  });
  await pass(2_000);
  await Promise.all(done);
  assert.ok(models.reduce((sum, { loads }) => sum + loads, 0) <= 3, "the least is 2");
});

test("a keep-alive runs out, and the request's own goes before the configured one", async (t) => {
  const { lease, model, pass } = poolOf(t, { a: { bytes: 10, policy: { keepAliveMs: 1_000 } } });
  const first = lease("a");
  await pass(LOAD_MS);
  (await first)[Symbol.dispose]();
  await pass(900);
  assert.ok(model("a").isLoaded);
  (await lease("a", 5_000))[Symbol.dispose]();
  await pass(4_900);
  assert.ok(model("a").isLoaded);
  await pass(200);
  assert.ok(!model("a").isLoaded);
});

test("what is not to take others' place is refused with what is loaded", async (t) => {
  const { lease, pass } = poolOf(t, { a: { bytes: 60 }, b: { bytes: 60, policy: { maySwap: false } } });
  const first = lease("a");
  await pass(LOAD_MS);
  (await first)[Symbol.dispose]();
  const second = lease("b");
  const outcome = assert.rejects(second, (error) => {
    assert.ok(error instanceof ApiError);
    assert.deepEqual([error.status, error.details], [409, { reason: "model_not_loaded", loaded: ["a"] }]);
    return true;
  });
  await pass(0);
  await outcome;
});

test("a model that can't fit and one that fails to load are refused, the latter without trying each time", async (t) => {
  const { lease, model, pass } = poolOf(t, { huge: { bytes: 101 }, broken: { bytes: 10 } });
  const tooLarge = assert.rejects(lease("huge"), /does not fit/);
  await pass(0);
  await tooLarge;
  model("broken").failure = new Error("the file is torn");
  for (let attempt = 0; attempt < 3; attempt++) {
    const outcome = assert.rejects(lease("broken"), /the file is torn/);
    await pass(LOAD_MS);
    await outcome;
  }
  assert.equal(model("broken").loads, 1);
  model("broken").failure = undefined;
  await pass(5_000);
  const held = lease("broken");
  await pass(LOAD_MS);
  (await held)[Symbol.dispose]();
});

test("a full queue refuses at once, and who leaves makes room in it", async (t) => {
  const { lease, pass } = poolOf(t, { a: { bytes: 10 } }, 1);
  const leaving = new AbortController();
  const first = lease("a", undefined, leaving.signal);
  await assert.rejects(lease("a"), reason("model_busy"));
  leaving.abort();
  await assert.rejects(first, reason("cancelled"));
  const second = lease("a");
  await pass(2 * LOAD_MS);
  (await second)[Symbol.dispose]();
});

test("a load that no request waits for any more is given up", async (t) => {
  const { lease, model, pass } = poolOf(t, { a: { bytes: 10 } });
  const leaving = new AbortController();
  const waiting = assert.rejects(lease("a", undefined, leaving.signal), reason("cancelled"));
  await pass(LOAD_MS / 2);
  leaving.abort();
  await waiting;
  await pass(LOAD_MS);
  assert.ok(!model("a").isLoaded);
});

test("unloading frees the memory, and the next request loads again", async (t) => {
  const { lease, model, pass, pool } = poolOf(t, { a: { bytes: 10 } });
  const first = lease("a");
  await pass(LOAD_MS);
  (await first)[Symbol.dispose]();
  await pool.unload(model("a"), 0);
  assert.ok(!model("a").isLoaded);
  const second = lease("a");
  await pass(LOAD_MS);
  (await second)[Symbol.dispose]();
  assert.equal(model("a").loads, 2);
});

test("whatever comes in whatever order: memory holds, held models stay, every request ends", async () => {
  const arrivals = fc.array(
    fc.record({
      name: fc.constantFrom("a", "b", "c", "d"),
      afterMs: fc.integer({ min: 0, max: 400 }),
      forMs: fc.integer({ min: 0, max: 600 }),
      leaves: fc.option(fc.integer({ min: 0, max: 500 }), { nil: undefined }),
    }),
    { maxLength: 25 },
  );
  await fc.assert(
    fc.asyncProperty(arrivals, async (requests) => {
      const { lease, pass, model } = poolOf(
        { mock },
        {
          a: { bytes: 30, policy: { isPinned: true } },
          b: { bytes: 40, policy: { keepAliveMs: 300 } },
          c: { bytes: 50 },
          d: { bytes: 70, policy: { priority: 1, minLoadedMs: 200 } },
        },
      );
      const outcomes: Array<Promise<string>> = [];
      for (const { name, afterMs, forMs, leaves } of requests) {
        await pass(afterMs);
        const controller = new AbortController();
        if (leaves !== undefined) setTimeout(() => controller.abort(), leaves);
        outcomes.push(
          lease(name, undefined, controller.signal).then(
            async (held) => {
              assert.ok(model(name).isLoaded, `${name} is held and not loaded`);
              await new Promise((resolve) => setTimeout(resolve, forMs));
              assert.ok(model(name).isLoaded, `${name} was unloaded while it was held`);
              held[Symbol.dispose]();
              return "served";
            },
            (error: unknown) => {
              assert.ok(error instanceof UnavailableError);
              return error.reason;
            },
          ),
        );
      }
      await pass(MAX_WAIT_MS + 5_000);
      for (const outcome of await Promise.all(outcomes))
        assert.ok(["served", "cancelled", "model_busy"].includes(outcome), outcome);
      mock.timers.reset();
    }),
    { numRuns: 30 },
  );
});
