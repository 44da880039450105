import assert from "node:assert/strict";
import { test } from "node:test";
import { type AnswerRules, answerConstraint } from "../../../src/assistant/answer-constraint.ts";
import { type AnswerPart, BlockParser } from "../../../src/assistant/formats/block-parser.ts";
import type { DeclaredTool } from "../../../src/assistant/formats/call-expressions.ts";
import { type AnswerFormat, markers } from "../../../src/assistant/formats/format.ts";
import { ChatTemplate } from "../../../src/assistant/template/template.ts";
import { Network } from "../../../src/inference/constraints/network.ts";
import { NetworkMachine, type NetworkState } from "../../../src/inference/constraints/network-state.ts";
import { llamaCppTemplates } from "../../support/llama-cpp-templates.ts";
import { dialectOf, type WrittenCall } from "../../support/written-answers.ts";

const tools: readonly DeclaredTool[] = [
  {
    name: "get_weather",
    strict: false,
    path: "tools[0].function.parameters",
    parameters: {
      type: "object",
      properties: {
        city: { type: "string" },
        days: { type: "integer" },
        ratio: { type: "number" },
        flag: { type: "boolean" },
        none: { type: ["null", "boolean"] },
        unit: { enum: ["C", "F"] },
        list: { type: "array", items: { anyOf: [{ type: "integer" }, { type: "string" }] } },
        obj: { type: "object", properties: { x: { type: "string" }, z: { type: "boolean" } } },
      },
      required: ["city"],
    },
  },
  { name: "other-tool", strict: false, path: "tools[1].function.parameters" },
];

const first: WrittenCall = {
  name: "get_weather",
  args: {
    city: "Zürich \"alt\" & 'neu' <b>🙂</b> {1}, [2]\nSecond = line",
    days: 2,
    ratio: -1.5,
    flag: true,
    none: null,
    unit: "C",
    list: [1, "a'b"],
    obj: { x: "y", z: false },
  },
};
const second: WrittenCall = { name: "other-tool", args: {} };
const thought = 'Is "it" < 3 }]\n\nor ünicode 🙂?';
const text = "Let me see: <b>{1, [2]}</b>";

function format(chatTemplate: string): AnswerFormat {
  return new ChatTemplate({ chatTemplate, bosText: "<s>", eosText: "</s>", specialTexts: [] }).format;
}

/** Blocks as [kind, text], or ["call", name, arguments]. */
function parse(own: AnswerFormat, pieces: readonly string[]): string[][] {
  const parser = new BlockParser(own, { isThinking: false, tools });
  const blocks: string[][] = [];
  const take = (part: AnswerPart) => {
    if (part.type === "start") blocks.push(part.kind === "call" ? ["call", part.name, ""] : [part.kind, ""]);
    const last = blocks.at(-1);
    if (part.type === "delta" && last !== undefined) last[last.length - 1] += part.text;
  };
  for (const piece of pieces) parser.push(piece).forEach(take);
  parser.end().forEach(take);
  return blocks;
}

const read = (blocks: readonly string[][]) =>
  blocks.map(([kind, name, args]) => (kind === "call" ? [kind, name, JSON.parse(args ?? "")] : [kind, name]));

/** Everything that a template's model may answer with: thoughts, text, one call, two, and how these are read. */
function answers(file: string) {
  const dialect = dialectOf(file);
  const { think, speak, call, between = "" } = dialect;
  const made = (calls: readonly WrittenCall[]) => calls.map(({ name, args }) => ["call", name, args]);
  const opened = think?.(thought) ?? "";
  const thinking = think === undefined ? [] : [["reasoning", thought]];
  const spoken = dialect.textOrCalls === true ? "" : speak(text) + between;
  const said = dialect.textOrCalls === true ? [] : [["text", text]];
  const both = dialect.callsOnce === true ? [first] : [first, second];
  return [
    { name: "text", answer: opened + speak(text), blocks: [...thinking, ["text", text]] },
    { name: "one call", answer: opened + call([first]), blocks: [...thinking, ...made([first])] },
    { name: "a call without arguments", answer: call([second]), blocks: made([second]) },
    {
      name: "two calls",
      answer: opened + spoken + call(both),
      blocks: [...thinking, ...said, ...made(both)],
    },
  ];
}

test("what a published template's model writes is read to the same blocks, however it is cut", async (t) => {
  const templates = await llamaCppTemplates();
  if (typeof templates === "string") return t.skip(templates);
  assert.equal(templates.size, 68);
  let splits = 0;
  // What equal formats read alike need not be read twice.
  const seen = new Set<string>();
  for (const [file, chatTemplate] of templates) {
    const own = format(chatTemplate);
    for (const { name, answer, blocks } of answers(file)) {
      const key = JSON.stringify([own, answer]);
      if (seen.has(key)) continue;
      seen.add(key);
      const whole = parse(own, [answer]);
      const expected = JSON.stringify(whole);
      assert.deepEqual(read(whole), blocks, `${file}: ${name}: ${answer}`);
      assert.deepEqual(parse(own, [...answer]), whole, `${file}: ${name}, by characters`);
      for (let at = 1; at < answer.length; at++, splits++)
        assert.equal(
          JSON.stringify(parse(own, [answer.slice(0, at), answer.slice(at)])),
          expected,
          `${file}: ${name}, cut at ${at}`,
        );
    }
  }
  t.diagnostic(`${seen.size} answers of ${templates.size} templates, ${splits} splits`);
});

test("a call ends the thoughts that it is made in, where models call while they think", async (t) => {
  const templates = await llamaCppTemplates();
  if (typeof templates === "string") return t.skip(templates);
  const own = format(templates.get("Apertus-8B-Instruct.jinja") ?? "");
  const answer = '<|inner_prefix|>Look.<|tools_prefix|>[{"get_weather": {"city": "Rome"}}]<|tools_suffix|>';
  const blocks = [
    ["reasoning", "Look."],
    ["call", "get_weather", { city: "Rome" }],
  ];
  assert.deepEqual(read(parse(own, [answer])), blocks);
  assert.deepEqual(read(parse(own, [...answer])), blocks);
});

/** The state behind a text, null where it is not allowed. */
function follow(start: NetworkState, bytes: Uint8Array): NetworkState | null {
  let state: NetworkState | null = start;
  for (const byte of bytes) state = (state?.step(byte) ?? null) as NetworkState | null;
  return state;
}

test("the form made for a published template takes what its model writes, and no other calls", async (t) => {
  const templates = await llamaCppTemplates();
  if (typeof templates === "string") return t.skip(templates);
  const seen = new Set<string>();
  for (const [file, chatTemplate] of templates) {
    const own = format(chatTemplate);
    // Equal formats have equal forms.
    const key = JSON.stringify([own, answers(file)]);
    if (seen.has(key)) continue;
    seen.add(key);
    const rules: AnswerRules = {
      form: { type: "text" },
      tools,
      format: own,
      isThinking: false,
      isSpeaking: false,
      begunOpening: 0,
      mustCall: false,
      parallel: true,
    };
    const machine = (changes: Partial<AnswerRules>) => {
      const form = answerConstraint({ ...rules, ...changes });
      assert.ok(form !== undefined);
      return new NetworkMachine(new Network(form, [])).start;
    };
    const [free, forced] = [machine({}), machine({ mustCall: true })];
    for (const { name, answer, blocks } of answers(file)) {
      const isCall = blocks.every(([kind]) => kind !== "text");
      const taken = follow(free, Buffer.from(answer));
      assert.ok(taken?.isComplete === true, `${file}: ${name} is refused: ${answer}`);
      const start = forced;
      const state = follow(start, Buffer.from(answer));
      assert.equal(state?.isComplete === true, isCall, `${file}: ${name}, where calls are required`);
      if (name !== "one call") continue;
      for (const [found, wrong] of [
        ["get_weather", "get_whether"],
        ["-1.5", "-1.5.5"],
        ["days", "daze"],
      ] as const) {
        const changed = answer.replaceAll(found, wrong);
        assert.notEqual(changed, answer);
        assert.equal(follow(start, Buffer.from(changed)), null, `${file}: ${wrong} is taken: ${changed}`);
      }
      const bytes = Buffer.from(answer);
      for (let length = 0, at: NetworkState | null = start; length < bytes.length - 1; length++) {
        assert.ok(at?.isComplete !== true, `${file}: cut at ${length}`);
        at = (at?.step(bytes[length] ?? 0) ?? null) as NetworkState | null;
      }
    }
  }
});

test("a strict schema is held in tags too, or refused by name", async (t) => {
  const templates = await llamaCppTemplates();
  if (typeof templates === "string") return t.skip(templates);
  const own = format(templates.get("Qwen3-Coder.jinja") ?? "");
  const start = (city: object) => {
    const tool = {
      name: "f",
      strict: true,
      path: "tools[0].function.parameters",
      parameters: { type: "object", properties: { city }, required: ["city"], additionalProperties: false },
    };
    const form = answerConstraint({
      form: { type: "text" },
      tools: [tool],
      format: own,
      isThinking: false,
      isSpeaking: false,
      begunOpening: 0,
      mustCall: true,
      parallel: false,
    });
    assert.ok(form !== undefined);
    return new NetworkMachine(new Network(form, [])).start;
  };
  const call = (city: string) =>
    Buffer.from(
      `<tool_call>\n<function=f>\n<parameter=city>\n${city}\n</parameter>\n</function>\n</tool_call>`,
    );
  const takes = (city: object, value: string) => follow(start(city), call(value))?.isComplete === true;
  assert.ok(takes({ type: "string", pattern: "^[A-Z]{2}\\d$" }, "AB1"));
  assert.ok(!takes({ type: "string", pattern: "^[A-Z]{2}\\d$" }, "AB"));
  assert.ok(takes({ type: "string", maxLength: 3 }, "abc"));
  assert.ok(!takes({ type: "string", maxLength: 3 }, "abcd"));
  assert.ok(takes({ enum: ["x", 3] }, "3"));
  assert.ok(takes({ enum: ["x", 3] }, "x"));
  assert.ok(!takes({ enum: ["x", 3] }, "y"));
  assert.ok(!takes({ type: "boolean" }, "yes"));
  assert.throws(
    () => start({ type: "string", maxLength: 5000 }),
    /tools\[0\].*length of a text can't be held/,
  );
});

test("no answer breaks a parser or loses a character", async (t) => {
  const templates = await llamaCppTemplates();
  if (typeof templates === "string") return t.skip(templates);
  let seed = 1;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % below;
  };
  const letters = (word: string) => word.replace(/\s/g, "");
  for (const [file, chatTemplate] of templates) {
    const own = format(chatTemplate);
    const words = [...markers(own), ...'<{["a \n}]>', "name", "get_weather", "city", "🙂", "Ω", "Ω"];
    for (let round = 0; round < 150; round++) {
      const pieces = Array.from({ length: 1 + random(12) }, () => words[random(words.length)] ?? "");
      const whole = parse(own, [pieces.join("")]);
      assert.deepEqual(parse(own, pieces), whole, `${file}: ${JSON.stringify(pieces)}`);
      const said = whole.flat().join("").split("Ω").length;
      const written = pieces.join("").split("Ω").length;
      assert.equal(said, written, `${file}: ${JSON.stringify(pieces)}: ${JSON.stringify(whole)}`);
      // Without markers everything is text.
      const plain = pieces.filter((piece) => [...piece].length === 1 || piece === "name").join("");
      if (plain === letters(plain) && !plain.startsWith("{") && !plain.startsWith("["))
        assert.equal(
          parse(own, [plain])
            .map((block) => block.at(-1))
            .join(""),
          plain,
        );
    }
  }
});
