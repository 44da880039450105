import assert from "node:assert/strict";
import { test } from "node:test";
import { runSituations } from "../support/architectures/matrix.ts";
import { makeTinyModel } from "../support/architectures/tiny-model.ts";
import { InProcessEngine } from "../support/in-process-engine.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

/** A head for the token after the next, which is left out. */
const withHead = {
  changes: {
    "qwen35.block_count": { type: "uint32", value: 3 },
    "qwen35.nextn_predict_layers": { type: "uint32", value: 1 },
  },
  // A file without the first layer would be taken for one of heads alone.
  needed: [
    "blk.0.attn_norm.weight",
    ...["eh_proj", "enorm", "hnorm"].map((part) => `blk.2.nextn.${part}.weight`),
  ],
} as const;

/** One of each kind of memory. */
const kinds = [
  { architecture: "llama", kvLayout: "shared" },
  { architecture: "gemma4", kvLayout: "shared" },
  { architecture: "mamba", kvLayout: "separate" },
  { architecture: "lfm2", kvLayout: "shared" },
  { architecture: "granitehybrid", kvLayout: "separate" },
  { architecture: "qwen35", kvLayout: "shared", ...withHead },
] as const;

for (const { kvLayout, ...model } of kinds) {
  test(`${model.architecture} answers alike alone and under everything that shares its memory`, async (t) => {
    const path = await makeTinyModel({ directory: await temporaryDirectory(t), ...model });
    const situations = await runSituations(path, { sequences: 5, kvLayout });
    const different = situations.filter(({ difference }) => difference !== undefined);
    assert.deepEqual(different, []);
    const cached = new Map(situations.map((situation) => [situation.name, situation.cached]));
    // A memory that can't be cut goes back to the state before the prompt's end, and to where prompts parted.
    for (const [name, least] of [
      ["repeated", 56],
      ["second turn", 70],
      ["same system prompt again", 40],
      ["after a cancellation", 40],
    ] as const)
      assert.ok((cached.get(name) ?? 0) >= least, `${name}: ${cached.get(name)} tokens cached`);
  });
}

const pooling = { type: "uint32", value: 3 } as const;
for (const { model, reason, ...options } of [
  { model: { architecture: "llada" }, reason: /writes by diffusion/ },
  { model: { architecture: "neo-bert" }, reason: /both directions.*EMBEDDING_MODEL/ },
  {
    model: { architecture: "llama", changes: { "llama.pooling_type": pooling } },
    reason: /embeds or ranks texts\. Serve it with EMBEDDING_MODEL/,
  },
  { model: { architecture: "minimax-m3", experts: true }, reason: /KV_LAYOUT=separate/, kvLayout: "shared" },
  { model: { architecture: "plamo2" }, reason: /MAX_SEQUENCES=1/ },
  { model: { architecture: "cogvlm" }, reason: /computed in parts/ },
] as const) {
  test(`${model.architecture} is refused for ${reason.source}`, async (t) => {
    const modelPath = await makeTinyModel({ directory: await temporaryDirectory(t), ...model });
    assert.throws(() => new InProcessEngine({ modelPath, sequences: 2, ...options }), reason);
  });
}
