/**
 * `npm run campaign:agents -- [runs] [kills] [seed] [scripted|built-in]`: kills a server again and again while it works on
 * sessions of agents, and checks that all of them end, that no write happens twice unasked, and that a reader gets each
 * event once.
 */
import { runCampaign } from "../test/support/agent-campaign.ts";
import { SeededRandom } from "../test/support/random.ts";

const [runs = 300, kills = 40, seed = 1] = process.argv.slice(2, 5).map(Number);
const model = process.argv[5] === "built-in" ? "built-in" : "scripted";
const random = new SeededRandom(seed);
const startedAt = performance.now();
const result = await runCampaign({
  runs,
  kills,
  random: () => random.next(),
  aliveMs: 3_000,
  model,
  log: (line) => console.log(line),
});
const seconds = Math.round((performance.now() - startedAt) / 1000);
console.log(JSON.stringify({ ...result, model, seed, seconds }));
