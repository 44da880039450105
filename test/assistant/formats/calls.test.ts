import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type DeclaredTool,
  optionalCallGrammar,
  requiredCallGrammar,
} from "../../../src/assistant/formats/call-grammar.ts";
import { type AnswerPart, ToolCallParser } from "../../../src/assistant/formats/call-parser.ts";
import { toolCallFormat } from "../../../src/assistant/formats/tool-calls.ts";
import { continuing, InProcessEngine } from "../../support/in-process-engine.ts";

const templates = {
  hermes: "<tool_call>",
  llama3: "<|python_tag|> ipython",
  mistral: "[TOOL_CALLS]",
} as const;

const tool = (name: string): DeclaredTool => ({
  name,
  strict: true,
  path: "tools[0]",
  parameters: { type: "object", properties: { to: { enum: ["a", 'b"}', "c"] } }, required: ["to"] },
});
const tools = [tool("send"), tool("send_all")];

/** The parts of an answer that comes in pieces of `size` characters, texts of a kind joined. */
function parse(text: string, family: keyof typeof templates, mustCall: boolean, size: number): AnswerPart[] {
  const parser = new ToolCallParser(toolCallFormat(templates[family]), mustCall);
  const parts: AnswerPart[] = [];
  for (let at = 0; at < text.length; at += size) parts.push(...parser.push(text.slice(at, at + size)));
  parts.push(...parser.end());
  const joined: AnswerPart[] = [];
  for (const part of parts) {
    const last = joined.at(-1);
    if (last !== undefined && part.type !== "call" && last.type === part.type)
      joined[joined.length - 1] = { type: part.type, text: (last as { text: string }).text + part.text };
    else joined.push(part);
  }
  return joined;
}

const written = {
  hermes:
    'Sure.\n<tool_call>\n{"name": "send", "arguments": {"to": "b\\"}"}}\n</tool_call>\n<tool_call>\n{"name": "send_all", "arguments": {"to": {"x": []}}}\n</tool_call>',
  llama3: '{"name": "send", "parameters": {"to": "b\\"}"}}',
  mistral:
    '[{"name": "send", "arguments": {"to": "b\\"}"}}, {"name": "send_all", "arguments": {"to": {"x": []}}}]',
} as const;

for (const family of ["hermes", "llama3", "mistral"] as const) {
  test(`${family}: calls are parsed alike, however the text is cut`, async () => {
    const first = [
      { type: "call", name: "send" },
      { type: "arguments", text: '{"to": "b\\"}"}' },
    ];
    const second = [
      { type: "call", name: "send_all" },
      { type: "arguments", text: '{"to": {"x": []}}' },
    ];
    const expected = [
      ...(family === "hermes" ? [{ type: "content", text: "Sure.\n" }] : []),
      ...first,
      ...(family === "llama3" ? [] : second),
    ];
    for (const size of [1, 2, 3, 7, 1000])
      assert.deepEqual(parse(written[family], family, false, size), expected);
  });

  test(`${family}: text that only looks like a call is content`, async () => {
    for (const text of ["a < b <tool <tool_cal", "see [TOOL_CALLS] and {}", "<<tool_call", "  "]) {
      for (const size of [1, 4, 1000])
        assert.deepEqual(parse(text, family, false, size), [{ type: "content", text }]);
    }
  });

  test(`${family}: what a model writes under the grammar parses to declared calls`, async () => {
    const format = toolCallFormat(templates[family]);
    const grammar = requiredCallGrammar({ tools, format, parallel: false });
    const requests = Array.from({ length: 6 }, (_, seed) =>
      continuing("Once", { maxTokens: 250, sampling: { temperature: 1, seed, grammar } }),
    );
    for (const { text, finishReason } of await new InProcessEngine().run(requests)) {
      assert.equal(finishReason, "stop");
      const [call, rest, ...more] = parse(text, family, true, 3);
      assert.ok(call?.type === "call" && ["send", "send_all"].includes(call.name), text);
      assert.ok(rest?.type === "arguments");
      assert.ok(["a", 'b"}', "c"].includes(JSON.parse(rest.text).to));
      assert.deepEqual(more, []);
    }
  });

  test(`${family}: where calls are optional, text is as free as without tools`, async () => {
    const format = toolCallFormat(templates[family]);
    const grammar = optionalCallGrammar({ tools, format, parallel: true }, undefined);
    const engine = new InProcessEngine();
    const sampling = { temperature: 0, seed: 1 };
    const [free] = await engine.run([continuing("Once upon a time", { sampling })]);
    const [optional] = await engine.run([
      continuing("Once upon a time", { sampling: { ...sampling, grammar } }),
    ]);
    assert.equal(optional?.text, free?.text);
  });
}
