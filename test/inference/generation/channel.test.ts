import assert from "node:assert/strict";
import { test } from "node:test";
import { Channel } from "../../../src/inference/generation/channel.ts";

test("a channel gives its items in order, then its end or its failure", async () => {
  const read = async (channel: Channel<number>) => {
    const items: number[] = [];
    for await (const item of channel) items.push(item);
    return items;
  };
  const closed = new Channel<number>();
  const reading = read(closed);
  closed.push(1);
  await Promise.resolve();
  closed.push(2);
  closed.close();
  closed.push(3);
  assert.deepEqual(await reading, [1, 2]);
  const failed = new Channel<number>();
  failed.push(1);
  failed.fail(new Error("broken"));
  await assert.rejects(read(failed), /broken/);
});
