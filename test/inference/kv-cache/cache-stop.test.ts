import assert from "node:assert/strict";
import { test } from "node:test";
import type { CacheStop } from "../../../src/inference/cache-report.ts";
import { SavedSequences } from "../../../src/inference/kv-cache/saved-sequences.ts";
import type { SequenceStart } from "../../../src/inference/scheduler/report.ts";
import { Scheduler } from "../../../src/inference/scheduler/scheduler.ts";
import { FakeContext, letters } from "../../support/fake-context.ts";

/** A scheduler over a plain context, and what it says of the prompts that it is given one after another. */
function bench(options: { sequences?: number; canCut?: boolean; saved?: SavedSequences } = {}) {
  const context = new FakeContext({
    sequences: options.sequences ?? 2,
    capacity: 64,
    contextPerSequence: 400,
    canCut: options.canCut,
  });
  const starts: SequenceStart[] = [];
  const scheduler = new Scheduler(context, letters, {
    stepTargetMs: 1000,
    clock: () => context.now,
    speculation: false,
    onStart: (start) => starts.push(start),
    ...(options.saved !== undefined && { saved: options.saved }),
  });
  let id = 0;
  const add = (prompt: readonly number[], scope?: string) =>
    scheduler.add({
      id: ++id,
      prompt: Int32Array.from(prompt),
      maxTokens: 1,
      stop: [],
      lane: "interactive",
      scope,
      arrivedAt: context.now,
      createSampler: () => context.sampler(() => {}),
    });
  const finish = () => {
    while (scheduler.hasWork) scheduler.step();
  };
  return {
    scheduler,
    starts,
    add,
    finish,
    /** Runs a prompt to its end; returns what the cache had of it. */
    run(prompt: readonly number[], scope?: string) {
      add(prompt, scope);
      finish();
      const start = starts.at(-1);
      if (start === undefined) throw new Error("nothing started");
      return { cached: start.cachedPromptTokens, ...start.prefix };
    },
  };
}

const text = (length: number, step = 1) => Array.from({ length }, (_, at) => 1 + ((at * step) % 11));
const expectStop = (found: { readonly stop: CacheStop }, stop: CacheStop) => assert.equal(found.stop, stop);

test("the first prompt finds nothing, the same one again all but its last token, in the sequence of the first", () => {
  const { run } = bench();
  const first = run(text(60));
  expectStop(first, "nothing_known");
  assert.deepEqual([first.cached, first.bestPossible, first.way], [0, 0, undefined]);
  const again = run(text(60));
  expectStop(again, "last_token");
  assert.deepEqual([again.cached, again.bestPossible, again.way, again.donor], [59, 59, "in_place", 1]);
});

test("a prompt that parts from an earlier one is told so, one that goes on where it ends is new text", () => {
  const { run } = bench({ sequences: 3 });
  run(text(60));
  const parted = run([...text(25), 11, 11, ...text(45, 3)]);
  expectStop(parted, "text_differs");
  assert.deepEqual([parted.cached, parted.way], [25, "copied"]);
  // 60 tokens of the prompt, and the one that was generated is not decoded.
  const longer = run([...text(60), ...text(40, 5)]);
  expectStop(longer, "new_text");
  assert.equal(longer.cached, 60);
});

test("what gave way is told with who took its place, and counts as missed", () => {
  const { run, scheduler } = bench({ sequences: 1 });
  run(text(100));
  run(text(100, 5).map((token) => 12 - token));
  const back = run(text(100));
  expectStop(back, "evicted");
  assert.deepEqual([back.cached, back.bestPossible], [0, 99]);
  assert.equal(back.eviction?.by, 2);
  const missed = scheduler.viewCache().evictions.find(({ request }) => request === 1);
  assert.deepEqual([missed?.wantedTokens, missed?.isSaved, missed?.tokens], [99, false, 100]);
});

test("tokens that are too few for a copy, and too few for reading what is saved, are named", () => {
  const few = bench();
  few.run(text(60));
  const copied = few.run([...text(10), 11, 11, ...text(40, 3)]);
  expectStop(copied, "below_copying");
  const saved = bench({ sequences: 1, saved: new SavedSequences(1e6) });
  saved.run(text(140));
  saved.run([...text(40), ...text(60, 3).map((token) => 12 - token)]);
  const unread = saved.run([...text(60), 11, 11, 11]);
  expectStop(unread, "below_restoring");
});

test("a sequence that gave way and was saved comes back from there", () => {
  const { run } = bench({ sequences: 1, saved: new SavedSequences(1e6) });
  run(text(100));
  run(text(100, 5).map((token) => 12 - token));
  const back = run(text(100));
  expectStop(back, "last_token");
  assert.deepEqual([back.way, back.donor], ["restored", 1]);
});

test("a memory that can't be cut stops at a state that was kept", () => {
  const { run } = bench({ canCut: false });
  run(text(60));
  const parted = run([...text(40), 11, 11, 11]);
  expectStop(parted, "state_not_kept");
});

test("a prompt that is too short a while ahead is computed by both", () => {
  const { add, finish, scheduler, starts } = bench();
  add(text(200));
  scheduler.step();
  // 64 tokens are there, and 20 more are not worth waiting for.
  add([...text(84), 11, 11]);
  finish();
  const second = starts.at(-1)?.prefix;
  if (second === undefined) throw new Error("the second prompt did not start");
  expectStop(second, "being_computed");
});

test("other scopes are never told of", () => {
  const { run } = bench();
  run(text(60), "one");
  const other = run(text(60), "two");
  expectStop(other, "nothing_known");
  assert.deepEqual([other.cached, other.bestPossible, other.donor], [0, 0, undefined]);
});

test("the tree of what is held has each stretch once, with its holders and the use made of it", () => {
  const { run, scheduler } = bench({ sequences: 3 });
  run(text(60));
  run([...text(25), 11, 11, ...text(45, 3)]);
  run([...text(25), 11, 11, ...text(45, 3), 5, 5, 5]);
  const { prefixes, sequences, prompts } = scheduler.viewCache();
  const [common] = prefixes;
  assert.deepEqual([common?.start, common?.tokens, common?.parent, common?.requests], [0, 25, undefined, 3]);
  // The second took 25 tokens over, the third all that the second had.
  assert.equal(common?.cachedTokens, 50);
  for (const { start, tokens, parent, holders } of prefixes) {
    const above = parent === undefined ? undefined : prefixes[parent];
    assert.equal(start, above === undefined ? 0 : above.start + above.tokens);
    for (const holder of holders) {
      assert.ok(above === undefined || above.holders.includes(holder));
      assert.ok((sequences[holder]?.tokens ?? 0) >= start + tokens);
    }
  }
  for (const { kvSequence, tokens } of sequences) {
    const held = prefixes.filter(({ holders }) => holders.includes(kvSequence));
    assert.equal(
      held.reduce((sum, prefix) => sum + prefix.tokens, 0),
      tokens,
    );
  }
  assert.equal(prompts.tokens, 60 + 72 + 75);
});
