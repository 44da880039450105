import assert from "node:assert/strict";
import { test } from "node:test";
import { type AnswerRules, answerConstraint } from "../../../src/assistant/answer-constraint.ts";
import { type AnswerPart, BlockParser } from "../../../src/assistant/formats/block-parser.ts";
import type { DeclaredTool } from "../../../src/assistant/formats/call-expressions.ts";
import { exceptionalFormat, knownFormat } from "../../../src/assistant/formats/known-formats.ts";
import type { Constraint } from "../../../src/inference/constraints/expression.ts";
import { continuing, InProcessEngine } from "../../support/in-process-engine.ts";

const templates = {
  hermes: "<tool_call> <think>",
  llama3: "<|python_tag|> ipython",
  mistral: "[TOOL_CALLS]",
} as const;

const tool = (name: string): DeclaredTool => ({
  name,
  strict: true,
  path: "tools[0]",
  parameters: { type: "object", properties: { to: { enum: ["a", 'b"}', "c"] } }, required: ["to"] },
});
function constraintOf(rules: AnswerRules): Constraint {
  const form = answerConstraint(rules);
  assert.ok(form !== undefined);
  return { key: JSON.stringify(rules), form };
}

const tools = [tool("send"), tool("send_all")];

/** An answer's blocks as [kind, text], or ["call", name, arguments], when it comes in pieces of `size` characters. */
function parse(text: string, family: keyof typeof templates, size: number, isThinking = false): unknown[] {
  const parser = new BlockParser(knownFormat(templates[family]), {
    isThinking,
    tools: [{ name: "get_weather" }, { name: "other-tool" }],
  });
  const parts: AnswerPart[] = [];
  for (let at = 0; at < text.length; at += size) parts.push(...parser.push(text.slice(at, at + size)));
  parts.push(...parser.end());
  const blocks: string[][] = [];
  let isOpen = false;
  for (const part of parts) {
    if (part.type === "delta") {
      assert.ok(isOpen, "more of a block that is not open");
      const last = blocks.at(-1);
      if (last !== undefined) last[last.length - 1] += part.text;
    } else {
      assert.equal(isOpen, part.type === "end");
      isOpen = part.type === "start";
      if (part.type === "start")
        blocks.push(part.kind === "call" ? ["call", part.name, ""] : [part.kind, ""]);
    }
  }
  assert.ok(!isOpen, "a block was not ended");
  return blocks;
}

const written = {
  hermes:
    'Sure.\n<tool_call>\n{"name": "send", "arguments": {"to": "b\\"}"}}\n</tool_call>\n<tool_call>\n{"name": "send_all", "arguments": {"to": {"x": []}}}\n</tool_call>',
  llama3: '{"name": "send", "parameters": {"to": "b\\"}"}}',
  mistral:
    '[TOOL_CALLS][{"name": "send", "arguments": {"to": "b\\"}"}}, {"name": "send_all", "arguments": {"to": {"x": []}}}]',
} as const;

for (const family of ["hermes", "llama3", "mistral"] as const) {
  test(`${family}: calls are parsed alike, however the text is cut`, () => {
    const expected = [
      ...(family === "hermes" ? [["text", "Sure."]] : []),
      ["call", "send", '{"to": "b\\"}"}'],
      ...(family === "llama3" ? [] : [["call", "send_all", '{"to": {"x": []}}']]),
    ];
    for (const size of [1, 2, 3, 7, 1000]) assert.deepEqual(parse(written[family], family, size), expected);
  });

  test(`${family}: text that only looks like a call is text`, () => {
    for (const text of ["a < b <tool <tool_cal", "see [TOOL_CALLS] and {}", "<<tool_call", "  "]) {
      for (const size of [1, 4, 1000]) assert.deepEqual(parse(text, family, size), [["text", text]]);
    }
  });

  const rules = (changes: Partial<AnswerRules>): AnswerRules => ({
    form: { type: "text" },
    tools,
    // Random stories end their thoughts too rarely.
    format: { ...knownFormat(templates[family]), thoughts: undefined },
    isThinking: false,
    isSpeaking: false,
    begunOpening: 0,
    mustCall: false,
    parallel: true,
    ...changes,
  });

  test(`${family}: what a model writes under its constraint parses to declared calls`, async () => {
    const constraint = constraintOf(rules({ mustCall: true, parallel: false }));
    const requests = Array.from({ length: 6 }, (_, seed) =>
      continuing("Once", { maxTokens: 250, sampling: { temperature: 1, seed, constraint } }),
    );
    for (const { text, finishReason } of await new InProcessEngine().run(requests)) {
      assert.equal(finishReason, "stop");
      const [call, ...more] = parse(text, family, 3) as string[][];
      assert.ok(call?.[0] === "call" && ["send", "send_all"].includes(call[1] ?? ""), text);
      assert.ok(["a", 'b"}', "c"].includes(JSON.parse(call[2] ?? "").to));
      assert.deepEqual(more, []);
    }
  });

  test(`${family}: where calls are optional, text is as free as without tools`, async () => {
    const engine = new InProcessEngine();
    const sampling = { temperature: 0, seed: 1 };
    const [free] = await engine.run([continuing("Once upon a time", { sampling })]);
    const constraint = constraintOf(rules({}));
    const [optional] = await engine.run([
      continuing("Once upon a time", { sampling: { ...sampling, constraint } }),
    ]);
    assert.equal(optional?.text, free?.text);
  });
}

test("what a model writes under a constraint of tags, of Python or of Gemma's notation parses to declared calls", async () => {
  const marks = { minimax: "]<]minimax[>[", gemma: "<|channel>thought", muse: "<atem:function_calls>" };
  const formats = [
    ...Object.values(marks).map((mark) => exceptionalFormat(mark)),
    knownFormat("<|tool_list_start|>"),
  ];
  const declared: DeclaredTool = {
    name: "send",
    strict: true,
    path: "tools[0]",
    parameters: {
      type: "object",
      properties: {
        to: { enum: ["a", "b"] },
        count: { type: "integer", minimum: 0, maximum: 9 },
        also: { type: "array", items: { enum: ["c", "d"] }, minItems: 1, maxItems: 2 },
        urgent: { type: "boolean" },
      },
      required: ["to", "count", "also", "urgent"],
      additionalProperties: false,
    },
  };
  const engine = new InProcessEngine();
  for (const format of formats) {
    assert.ok(format !== undefined);
    const constraint = constraintOf({
      form: { type: "text" },
      tools: [declared],
      format: { ...format, thoughts: undefined },
      isThinking: false,
      isSpeaking: false,
      begunOpening: 0,
      mustCall: true,
      parallel: false,
    });
    const requests = [0, 1].map((seed) =>
      continuing("Once", { maxTokens: 400, sampling: { temperature: 1, seed, constraint } }),
    );
    for (const { text, finishReason } of await engine.run(requests)) {
      assert.equal(finishReason, "stop", text);
      const parser = new BlockParser(format, { isThinking: false, tools: [declared] });
      const parts = [...[...text].flatMap((character) => parser.push(character)), ...parser.end()];
      const args = parts.flatMap((part) => (part.type === "delta" ? [part.text] : [])).join("");
      const { to, count, also, urgent } = JSON.parse(args);
      assert.ok(["a", "b"].includes(to) && Number.isInteger(count) && typeof urgent === "boolean", text);
      assert.ok(also.length <= 2 && also.every((one: string) => ["c", "d"].includes(one)), text);
    }
  }
});

test("thoughts, text and calls are blocks of their own, and the white space between them is layout", () => {
  const call = '<tool_call>\n{"name": "send", "arguments": {}}\n</tool_call>';
  const thought = "Is it < or </th?\n\nI call";
  const blocks = [
    ["reasoning", thought],
    ["text", "Well, <think> is a tag."],
    ["call", "send", "{}"],
  ];
  const rest = `${thought}\n</think>\n\nWell, <think> is a tag.\n${call}`;
  for (const size of [1, 2, 5, 1000]) {
    assert.deepEqual(parse(`<think>\n${rest}`, "hermes", size), blocks);
    assert.deepEqual(parse(rest, "hermes", size, true), blocks);
    assert.deepEqual(parse("<think>\n\n</think>\n\nHi", "hermes", size), [["text", "Hi"]]);
    assert.deepEqual(parse("<think>\nI thi", "hermes", size), [["reasoning", "I thi"]]);
    assert.deepEqual(parse(`${call}\nDone.`, "hermes", size), [
      ["call", "send", "{}"],
      ["text", "Done."],
    ]);
  }
});

test("a call that is none goes out as it was written", () => {
  for (const text of [
    'Use <tool_call>\n{"nome": "x"}',
    '<tool_call>\n{"name": "',
    "<tool_call> opens a call.",
  ]) {
    for (const size of [1, 4, 1000]) assert.deepEqual(parse(text, "hermes", size), [["text", text]]);
  }
});

test("the beginning of a call that a limit of tokens cut is not text, and an answer's own end is", () => {
  const kinds = (text: string, isCut: boolean) => {
    const parser = new BlockParser(knownFormat(templates.hermes), {
      isThinking: false,
      tools: [{ name: "send" }],
    });
    return [...parser.push(text), ...parser.end({ isCut })].flatMap((part) =>
      part.type === "delta" ? [part.text] : [],
    );
  };
  const call = '<tool_call>\n{"name": "send", "arguments": {"to": "a"}}\n</tool_call>';
  assert.deepEqual(kinds('Sure.\n<tool_call>\n{"name": "se', true), ["Sure."]);
  assert.deepEqual(kinds(`${call}\n<tool_call>\n{"name"`, true), ['{"to": "a"}']);
  assert.deepEqual(kinds("Write <tool_call>", false).join(""), "Write <tool_call>");
  assert.deepEqual(kinds("Write <tool_call> then", true).join(""), "Write <tool_call> then");
});
