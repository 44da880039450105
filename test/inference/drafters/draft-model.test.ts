import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { makeTinyModel } from "../../support/architectures/tiny-model.ts";
import { type Generated, InProcessEngine } from "../../support/in-process-engine.ts";
import { writeLayeredModel } from "../../support/layered-model.ts";
import { BUILTIN } from "../../support/model.ts";

let directory: string;
/** Says what the built-in model says, by more than three times its weights. */
let large: string;
/** The built-in model's vocabulary, and nothing that it learned but which words are common. */
let ignorant: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "llm-server-test-"));
  const file = (name: string) => join(directory, name);
  large = await writeLayeredModel(BUILTIN, file("large.gguf"), {
    layers: 24,
    isSilent: (layer) => layer >= 6,
  });
  ignorant = await writeLayeredModel(BUILTIN, file("ignorant.gguf"), { layers: 1, isSilent: () => true });
});
after(() => rm(directory, { recursive: true, force: true }));

/** On a machine where a step takes the same time whatever its rows: there every right guess pays. */
function engine(options: ConstructorParameters<typeof InProcessEngine>[0]): InProcessEngine {
  let now = 0;
  return new InProcessEngine({
    modelPath: large,
    sequences: 3,
    contextSize: 768,
    clock: () => now++,
    ...options,
  });
}

const ask = (text: string, temperature = 0) => ({
  prompt: { parts: [{ type: "text" as const, text, parseSpecial: false }], addBos: true },
  maxTokens: 30,
  stop: [],
  sampling: { temperature, seed: 7 },
});
const story = "Tom has a red ball. Anna asks him for it, and Tom thinks. ";
/** The third begins like the second and is longer than what the draft model reads at once. */
const asked = [
  ask("Once upon a time"),
  ask(story),
  ask(story.repeat(20)),
  ask("What is a KV cache? It is", 0.8),
  ask("Once upon a time"),
];

async function answers(of: InProcessEngine): Promise<readonly Generated[]> {
  const all: Generated[] = [];
  for (const request of asked) all.push(...(await of.run([request])));
  all.push(...(await of.run(asked.slice(0, 3))));
  await of.cancelled(ask(story), 6);
  all.push(...(await of.run([ask(`${story}Then`)])));
  return all;
}

const texts = (of: readonly Generated[]) => of.map(({ text }) => text);
const sum = (of: readonly Generated[], key: "draftedTokens" | "acceptedTokens") =>
  of.reduce((total, { usage }) => total + usage[key], 0);

test("a second model's guesses change no text, and those of one that says the same are right", async () => {
  const plain = engine({});
  const expected = await answers(plain);
  plain.free();
  const drafting = engine({ speculation: true, draftPath: BUILTIN });
  const drafted = await answers(drafting);
  drafting.free();
  assert.deepEqual(texts(drafted), texts(expected));
  const [made, right] = [sum(drafted, "draftedTokens"), sum(drafted, "acceptedTokens")];
  assert.ok(right > 40 && right > 0.7 * made, `${right} of ${made} guesses are right`);
  // One that is mostly wrong is asked less and less.
  const guessing = engine({ speculation: true, draftPath: ignorant });
  const guessed: Generated[] = [];
  for (const request of asked.slice(0, 4)) guessed.push(...(await guessing.run([request])));
  guessing.free();
  assert.deepEqual(texts(guessed), texts(expected.slice(0, 4)));
  const wrong = sum(guessed, "draftedTokens");
  assert.ok(wrong < (2 / 3) * sum(drafted.slice(0, 4), "draftedTokens"), `${wrong} guesses`);
});

test("a draft model that can't guess for the model is refused by name", async () => {
  const other = await makeTinyModel({ directory, architecture: "llama" });
  const stateful = await makeTinyModel({ directory, architecture: "qwen35" });
  const load = (modelPath: string, draftPath: string) => () =>
    engine({ modelPath, draftPath, contextSize: 64, speculation: true });
  assert.throws(
    load(BUILTIN, other),
    /DRAFT_MODEL .*llama\.gguf: its vocabulary is not that of .*builtin\.gguf/,
  );
  assert.throws(load(other, stateful), /DRAFT_MODEL .*qwen35 keeps a state/);
  assert.throws(load(stateful, other), /DRAFT_MODEL .*\(qwen35\) keeps a state/);
});
