/** A short form of `npm run campaign:agents`, which says of the fake what it is (`test/support/agent-campaign.ts`). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { runCampaign } from "../../support/agent-campaign.ts";
import { SeededRandom } from "../../support/random.ts";

test("sessions whose server is killed at any moment all end, no write is repeated unasked, no event is lost", async () => {
  const random = new SeededRandom(7);
  const result = await runCampaign({ runs: 6, kills: 1, random: () => random.next(), aliveMs: 400 });
  assert.equal(result.completed, 6);
});
