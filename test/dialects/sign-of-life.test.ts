import assert from "node:assert/strict";
import { test } from "node:test";
import { type MessageEvent, MessageOutput } from "../../src/dialects/anthropic/output.ts";
import { withSigns } from "../../src/dialects/sign-of-life.ts";

/** One value, once it is let go. */
async function* heldBack<T>(release: Promise<void>, values: readonly T[]): AsyncIterable<T> {
  await release;
  yield* values;
}

test("a message whose prompt takes long begins before it is read, and pings", async () => {
  const head = { id: "msg_1", type: "message", role: "assistant", model: "m", diagnostics: null } as const;
  const output = new MessageOutput(head, new Map());
  const { promise, resolve } = Promise.withResolvers<void>();
  async function* said(): AsyncIterable<MessageEvent> {
    for await (const event of heldBack(promise, [
      { type: "started", promptTokens: 9, cachedPromptTokens: 4 } as const,
      { type: "block_start", block: 0, kind: "text" } as const,
    ]))
      yield* output.take(event);
  }
  const types: string[] = [];
  for await (const { type } of withSigns(said(), () => output.signOfLife(), 1)) {
    types.push(type);
    if (types.length === 4) resolve();
  }
  assert.deepEqual(types.slice(0, 4), ["message_start", "ping", "ping", "ping"]);
  assert.deepEqual(
    types.filter((type) => type !== "ping"),
    ["message_start", "content_block_start"],
  );
});

test("errors pass, and leaving ends the source", async () => {
  async function* failing(): AsyncIterable<number> {
    yield 1;
    throw new Error("out");
  }
  await assert.rejects(async () => {
    for await (const _value of withSigns(failing(), () => []));
  }, /out/);
  let isOver = false;
  async function* endless(): AsyncIterable<number> {
    try {
      for (;;) yield 1;
    } finally {
      isOver = true;
    }
  }
  for await (const _value of withSigns(endless(), () => [])) break;
  assert.ok(isOver);
});
