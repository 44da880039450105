/* Filling gaps with a model that has the tokens for it; engines are told what to say (`scripted-tokens.ts`). */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { infillForm } from "../../../src/dialects/openai/completions/infill.ts";
import { json, readEvents } from "../../support/server.ts";
import { modelOf, startTemplateServer, type TemplateServer } from "../../support/template-server.ts";

const coder = "Qwen-Qwen2.5-7B-Instruct.jinja";
const plain = "google-gemma-2-2b-it.jinja";
const around = "<|fim_prefix|>def add(a, b):\n    return <|fim_suffix|>\n\nprint(add(1, 2))<|fim_middle|>";
const gap = { input_prefix: "def add(a, b):\n    return ", input_suffix: "\n\nprint(add(1, 2))" };

interface Filled {
  readonly content: string;
  readonly stop: boolean;
  readonly stop_type?: string;
  readonly tokens_predicted?: number;
}

let started: TemplateServer | string;
before(async () => {
  started = await startTemplateServer({
    [coder]: [
      { when: [around], rest: "a + b" },
      { when: [`--- types.py ---\nNumber = int\n\n${around}`], rest: "Number(a + b)" },
      { when: [`${around}(a`], rest: " + b)" },
    ],
    [plain]: [],
  });
});
after(async () => {
  if (typeof started !== "string") await started?.[Symbol.asyncDispose]();
});

test("a gap is filled whole, streamed, behind a beginning, and with other files", async (t) => {
  if (typeof started === "string") return t.skip(started);
  const { server } = started;
  const fill = (fields: object) =>
    server.post("/infill", { model: modelOf(coder), temperature: 0, ...gap, ...fields });
  const whole = await json<Filled>(fill({}));
  assert.deepEqual([whole.content, whole.stop, whole.stop_type], ["a + b", true, "eos"]);
  const events: Filled[] = [];
  for await (const event of readEvents(await fill({ stream: true })))
    events.push(JSON.parse(event) as Filled);
  assert.equal(events.map(({ content }) => content).join(""), "a + b");
  assert.deepEqual(
    events.map(({ stop }) => stop),
    events.map((_, index) => index === events.length - 1),
  );
  assert.equal((await json<Filled>(fill({ prompt: "(a" }))).content, " + b)");
  const extra = [{ filename: "types.py", text: "Number = int" }];
  assert.equal((await json<Filled>(fill({ input_extra: extra }))).content, "Number(a + b)");
  const cut = await json<Filled>(fill({ n_predict: 2 }));
  assert.deepEqual([cut.stop_type, cut.tokens_predicted], ["limit", 2]);
  assert.equal((await json<Filled>(fill({ stop: [" +"] }))).content, "a");
});

test("the suffix of a completion asks the same", async (t) => {
  if (typeof started === "string") return t.skip(started);
  const { choices } = await json<{ choices: [{ text: string }] }>(
    started.server.post("/v1/completions", {
      model: modelOf(coder),
      prompt: gap.input_prefix,
      suffix: gap.input_suffix,
      temperature: 0,
    }),
  );
  assert.equal(choices[0].text, "a + b");
});

test("a model without the tokens refuses, naming the field", async (t) => {
  if (typeof started === "string") return t.skip(started);
  const answer = await started.server.post("/infill", { model: modelOf(plain), ...gap });
  assert.equal(answer.status, 400);
  const { error } = (await answer.json()) as { error: { param: string } };
  assert.equal(error.param, "input_suffix");
});

test("each family's marks are told by the tokens that it has", () => {
  assert.equal(infillForm(["<fim_prefix>", "<fim_suffix>", "<fim_middle>"])?.before, "<fim_prefix>");
  assert.equal(infillForm(["<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"])?.between, "<｜fim▁hole｜>");
  assert.equal(infillForm(["[PREFIX]", "[SUFFIX]"])?.suffixFirst, true);
  assert.equal(infillForm(["<fim_prefix>", "<fim_middle>"]), undefined);
});
