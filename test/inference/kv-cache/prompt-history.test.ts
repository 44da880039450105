import assert from "node:assert/strict";
import { test } from "node:test";
import { commonPrefix } from "../../../src/inference/kv-cache/common-prefix.ts";
import { PromptHistory } from "../../../src/inference/kv-cache/prompt-history.ts";
import { SeededRandom } from "../../support/random.ts";

const REMEMBERED = 12;

test("the best possible beginning is the one that a search through all remembered requests finds, in 500 random cases", () => {
  for (let seed = 0; seed < 500; seed++) {
    const random = new SeededRandom(seed);
    const history = new PromptHistory(REMEMBERED);
    /** Oldest first. */
    const remembered: Array<{ id: number; tokens: number[]; scope: string }> = [];
    for (let id = 0; id < 40; id++) {
      const scope = random.pick(["", "", "other"]);
      const earlier = remembered.length === 0 ? undefined : random.pick(remembered);
      const begun = earlier?.tokens.slice(0, random.integer(earlier.tokens.length + 1)) ?? [];
      const own = Array.from({ length: 1 + random.integer(8) }, () => random.integer(3));
      const prompt = [...begun, ...own];
      const visible = remembered.filter((text) => text.scope === scope);
      const best = Math.max(0, ...visible.map(({ tokens }) => commonPrefix(tokens, prompt)));
      const found = history.longest(prompt, scope);
      assert.equal(found.length, best, `case ${seed}, request ${id}`);
      const goesOn = visible.some(
        ({ tokens }) => commonPrefix(tokens, prompt) === best && tokens.length > best,
      );
      assert.equal(found.continues, goesOn);
      if (best > 0) {
        const owner = visible.find((text) => text.id === found.owner);
        assert.ok(owner !== undefined && commonPrefix(owner.tokens, prompt) === best);
      }
      history.began(id, Int32Array.from(prompt), scope, 0);
      remembered.push({ id, tokens: prompt, scope });
      if (remembered.length > REMEMBERED) remembered.shift();
      // Some end, and are remembered with their answers and as the latest.
      if (random.next() < 0.6) {
        const at = random.integer(remembered.length);
        const [ended] = remembered.splice(at, 1);
        if (ended === undefined) throw new Error("no request to end");
        const answered = [
          ...ended.tokens,
          ...Array.from({ length: random.integer(4) }, () => random.integer(3)),
        ];
        history.ended(ended.id, answered);
        remembered.push({ ...ended, tokens: answered });
      }
      assert.equal([...history.texts()].length, remembered.length);
    }
  }
});
