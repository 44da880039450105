import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import type { ChatMessage, Tool } from "../../../src/assistant/template/message.ts";
import type { ReasoningWish } from "../../../src/assistant/template/reasoning-wish.ts";
import { ChatTemplate } from "../../../src/assistant/template/template.ts";
import type { Prompt } from "../../../src/inference/engine.ts";
import { llamaCppTemplates } from "../../support/llama-cpp-templates.ts";
import { conversations } from "./conversations.ts";

/**
 * What llama.cpp v0.4.0's `POST /apply-template` made of each conversation on 27 November 2026, with
 * `chat_template_kwargs: {"enable_thinking": …}`: the first 12 hexadecimal digits of the text's SHA-256, without its
 * `<s>`; null where it refused.
 */
const renders: Readonly<Record<string, Readonly<Record<string, string | null>>>> = JSON.parse(
  await readFile(new URL("./llama-cpp-renders.json", import.meta.url), "utf8"),
);
/**
 * What Hugging Face's own `apply_chat_template` (transformers 5.18.0, that day) makes of cells that differ from llama.cpp's: in the same
 * form of digest. It was given the conversations as the models' makers describe them: Apertus' thoughts as blocks, calls of LFM2
 * and Granite 3.3 within the text, those of gpt-oss and GigaChat3 one after the other, Firefunction's `functions`, Gemma
 * 2's system message at the beginning of the user's.
 */
const makersRenders: Readonly<Record<string, string>> = JSON.parse(
  await readFile(new URL("./makers-renders.json", import.meta.url), "utf8"),
);
const today = () => new Date(2026, 10, 27, 12);

/** Cells that differ on purpose, and why. */
const differences: Readonly<Record<string, readonly string[]>> = {
  // llama.cpp asks these to keep the thoughts of earlier turns; here that is the template's choice or the client's.
  keepsThoughts: [
    "GLM-4.7-Flash thoughts",
    "LFM2.5-8B-A1B thoughts",
    "NVIDIA-Nemotron-3-Nano-30B-A3B-BF16 thoughts",
    "unsloth-mistral-Devstral-Small-2507 thoughts",
    "upstage-Solar-Open-100B thoughtsAndCall",
  ],
  // llama.cpp writes these prompts with code of its own and not with the template.
  written: [
    "deepseek-ai-DeepSeek-V4 turns",
    "deepseek-ai-DeepSeek-V4 thoughts",
    "deepseek-ai-DeepSeek-V4-Flash-0731 turns",
    "deepseek-ai-DeepSeek-V4-Flash-0731 thoughts",
    ...["result", "nextTurn", "parallel", "thoughtsAndCall"].map(
      (cell) => `google-gemma-4-31B-it-interleaved ${cell}`,
    ),
  ],
  // llama.cpp does not tell these models of the tools at all.
  tools: [
    "HuggingFaceTB-SmolLM3-3B",
    "deepseek-ai-DeepSeek-R1-Distill-Llama-8B",
    "deepseek-ai-DeepSeek-R1-Distill-Qwen-32B",
    "deepseek-ai-DeepSeek-V3.1",
    "fireworks-ai-llama-3-firefunction-v2",
    "google-gemma-2-2b-it",
    "llama-cpp-rwkv-world",
    "microsoft-Phi-3.5-mini-instruct",
  ].flatMap((name) =>
    Object.entries(conversations).flatMap(([cell, { tools }]) =>
      tools === undefined ? [] : [`${name} ${cell}`],
    ),
  ),
  // These templates leave calls out of the history, where they are written as the model writes them.
  leftOut: ["LFM2-8B-A1B", "LFM2.5-Instruct", "ibm-granite-granite-3.3-2B-Instruct"].flatMap((name) =>
    ["result", "nextTurn", "parallel", "thoughtsAndCall"].map((cell) => `${name} ${cell}`),
  ),
  // llama.cpp knows no field for this template's thoughts, and leaves them out.
  readsThoughts: ["Apertus-8B-Instruct thoughts", "Apertus-8B-Instruct thoughtsAndCall"],
  // These print the first of several calls only; here each comes with its result.
  oneAtATime: ["GigaChat3-10B-A1.8B", "GigaChat3.1-10B-A1.8B", "openai-gpt-oss-120b"].map(
    (name) => `${name} parallel`,
  ),
  // The template refuses it; llama.cpp drops the system message, here it goes into the user's.
  folded: ["google-gemma-2-2b-it system"],
};

const textOf = ({ parts }: Prompt) => parts.map((part) => (part.type === "text" ? part.text : "")).join("");

function digest(text: string): string {
  return createHash("sha256").update(text.replace(/^<s>/, "")).digest("hex").slice(0, 12);
}

test("every published template renders every conversation, as llama.cpp does", async (t) => {
  const templates = await llamaCppTemplates();
  if (typeof templates === "string") return t.skip(templates);
  assert.equal(templates.size, 68);
  const explained = new Set(Object.values(differences).flat());
  const differing = new Set<string>();
  let equal = 0;
  let asMakers = 0;
  let compared = 0;
  for (const [file, chatTemplate] of templates) {
    const name = file.replace(/\.jinja$/, "");
    const template = new ChatTemplate(
      { chatTemplate, bosText: "<s>", eosText: "</s>", specialTexts: [] },
      today,
    );
    for (const [cell, conversation] of Object.entries(conversations)) {
      const prompt = template.render(conversation.messages, {
        variables: { enable_thinking: conversation.thinks },
        ...(conversation.tools !== undefined && { tools: conversation.tools }),
      });
      const expected = renders[file]?.[cell];
      // What llama.cpp can't render has nothing to be compared with.
      if (expected === null) continue;
      compared++;
      const made = digest(textOf(prompt));
      if (made === expected) {
        equal++;
        continue;
      }
      differing.add(`${name} ${cell}`);
      const byMakers = makersRenders[`${name} ${cell}`];
      if (byMakers === undefined) continue;
      assert.equal(made, byMakers, `${name} ${cell} is not as its makers have it`);
      asMakers++;
    }
  }
  assert.deepEqual(
    [...differing].filter((cell) => !explained.has(cell)),
    [],
    "cells that differ without a reason",
  );
  assert.deepEqual(
    [...explained].filter((cell) => !differing.has(cell) && !isRefused(cell)),
    [],
    "cells that are equal after all",
  );
  const without =
    compared -
    [...explained].filter((cell) => differences["tools"]?.includes(cell) && !isRefused(cell)).length;
  assert.ok(equal / without >= 0.95, `${equal} of ${without} cells are equal`);
  const share = (of: number) => `${equal} of ${of} (${((100 * equal) / of).toFixed(1)} %)`;
  t.diagnostic(
    `equal to llama.cpp's: ${share(compared)}; ${share(without)} where llama.cpp tells of the tools at all; ` +
      `${asMakers} more are as their makers' own library has them`,
  );
});

function isRefused(cell: string): boolean {
  const [name, conversation = ""] = cell.split(" ");
  return renders[`${name}.jinja`]?.[conversation] === null;
}

test("no template refuses what clients send", async (t) => {
  const templates = await llamaCppTemplates();
  if (typeof templates === "string") return t.skip(templates);
  const user = (content: string) => ({ role: "user", content });
  const system = (content: string) => ({ role: "system", content });
  const assistant = (content: string) => ({ role: "assistant", content });
  const sent: Readonly<Record<string, readonly ChatMessage[]>> = {
    "two system messages": [system("one"), system("two"), user("three")],
    "a system message late": [user("one"), assistant("two"), system("three"), user("four")],
    "a developer's message": [{ role: "developer", content: "one" }, user("two")],
    "two users in a row": [user("one"), user("two")],
    "two answers in a row": [user("one"), assistant("two"), assistant("three"), user("four")],
    "the assistant first": [assistant("one"), user("two")],
    "an answer last": [user("one"), assistant("two")],
  };
  for (const [file, chatTemplate] of templates) {
    const template = new ChatTemplate(
      { chatTemplate, bosText: "<s>", eosText: "</s>", specialTexts: [] },
      today,
    );
    for (const [name, messages] of Object.entries(sent)) {
      const text = textOf(template.render(messages));
      const lost = messages.filter(({ content }) => !text.includes(content));
      assert.deepEqual(lost, [], `${file}: ${name}`);
    }
  }
});

test("no template refuses tools as clients declare them, nor calls as models cut them", async (t) => {
  const templates = await llamaCppTemplates();
  if (typeof templates === "string") return t.skip(templates);
  const optional = { anyOf: [{ type: "string" }, { type: "null" }] };
  const declared: readonly Tool[] = [
    { name: "optional", description: "d", parameters: { type: "object", properties: { a: optional } } },
    { name: "either", parameters: { type: "object", properties: { a: { type: ["string", "null"] } } } },
    { name: "bare" },
  ];
  const cut = ['{"word": "yu', "", "null", "[]", "5"];
  for (const [file, chatTemplate] of templates) {
    const template = new ChatTemplate({ chatTemplate, bosText: "<s>", eosText: "</s>", specialTexts: [] });
    const told = textOf(template.render([{ role: "user", content: "Hi" }], { tools: declared }));
    for (const { name } of declared) assert.ok(told.includes(name), `${file} lost ${name}`);
    for (const written of cut) {
      const id = "call_abcdefghijklmnop";
      const text = textOf(
        template.render(
          [
            { role: "user", content: "Q" },
            { role: "assistant", content: "", toolCalls: [{ id, name: "lookup", arguments: written }] },
            { role: "tool", content: "a result", toolCallId: id, name: "lookup" },
          ],
          { tools: declared },
        ),
      );
      assert.ok(text.includes("a result"), `${file}, ${written}: ${text}`);
    }
  }
});

test("no call is missing from a history, whatever the template makes of it", async (t) => {
  const templates = await llamaCppTemplates();
  if (typeof templates === "string") return t.skip(templates);
  const call = (index: number) => ({
    id: `abcdefgh${index}`,
    name: `tool_${index}`,
    arguments: '{"a": "b"}',
  });
  const messages: readonly ChatMessage[] = [
    { role: "user", content: "Hi" },
    { role: "assistant", content: "Let me see.", reasoning: "Hm.", toolCalls: [call(0), call(1)] },
    { role: "tool", content: "first", toolCallId: "abcdefgh0", name: "tool_0" },
    { role: "tool", content: "second", toolCallId: "abcdefgh1", name: "tool_1" },
  ];
  for (const [file, chatTemplate] of templates) {
    const template = new ChatTemplate({ chatTemplate, bosText: "<s>", eosText: "</s>", specialTexts: [] });
    const text = textOf(
      template.render(messages, { tools: [{ name: "tool_x", description: "Not called." }] }),
    );
    for (const word of ["tool_0", "tool_1", "first", "second"])
      assert.ok(text.includes(word), `${file} lost ${word}: ${text}`);
    assert.ok(!text.includes("{'a': 'b'}"), `${file} prints arguments as Python does: ${text}`);
  }
});

test("a template that tells of calls and declares no tools keeps its own form of calls, in its own tokens", async (t) => {
  const templates = await llamaCppTemplates();
  if (typeof templates === "string") return t.skip(templates);
  const marker = "<｜tool▁call▁begin｜>";
  const template = new ChatTemplate({
    chatTemplate: templates.get("deepseek-ai-DeepSeek-V3.1.jinja"),
    bosText: "<s>",
    eosText: "</s>",
    specialTexts: [marker],
  });
  const { messages, tools = [] } = conversations["result"] ?? { messages: [] };
  const spelt = { role: "system", content: `Never write ${marker}!` };
  const prompt = template.render([spelt, ...messages], { tools });
  const markers = prompt.parts.flatMap((part) =>
    part.type === "text" ? part.text.split(marker).slice(1) : [],
  );
  assert.deepEqual(
    markers.map((text) => text.split("<")[0]),
    ["function name", "get_weather"],
    "the example and the call, and not what the operator spelt",
  );
  assert.ok(textOf(prompt).endsWith('<｜tool▁output▁begin｜>{"sky": "clear"}<｜tool▁output▁end｜>'));
});

/** What a wish makes of a prompt whose template has words of its own for it; the first ones hold, the last ones don't. */
const wishes: Readonly<Record<string, ReadonlyArray<readonly [ReasoningWish, string, string?]>>> = {
  "openai-gpt-oss-120b": [
    [{}, "Reasoning: medium"],
    [{ thinks: false }, "Reasoning: low"],
    [{ thinks: true, effort: "minimal" }, "Reasoning: low"],
    [{ thinks: true, effort: "max" }, "Reasoning: high"],
    [{ thinks: true, effort: "own" }, "Reasoning: own"],
  ],
  "tencent-Hy3": [
    [{}, "reasoning_effort:no_think"],
    [{ thinks: true }, "reasoning_effort:high"],
    [{ thinks: true, effort: "medium" }, "reasoning_effort:high"],
    [{ thinks: true, effort: "minimal" }, "reasoning_effort:low"],
    [{ thinks: false }, "<think:opensource></think:opensource>"],
  ],
  "Kimi-K3": [
    [{ thinks: true, effort: "minimal" }, "low", "thinking_effort=max"],
    [{ thinks: false }, "<|open|>response<|sep|>", "<|open|>think<|sep|>"],
  ],
  "upstage-Solar-Open-100B": [
    [{ thinks: false }, "<|think|><|end|>"],
    [{ thinks: true, effort: "high" }, "<|begin|>assistant", "<|think|><|end|>"],
  ],
  Cohere2MoE: [
    [{ thinks: false }, "<|START_THINKING|><|END_THINKING|>"],
    [{ thinks: true, effort: "low" }, "<|START_THINKING|>", "<|END_THINKING|>"],
  ],
  "MiniMax-M3": [
    [{ thinks: true }, "thinking mode: enabled"],
    [{ thinks: false }, "thinking mode: disabled"],
    [{}, "thinking mode: adaptive"],
  ],
  "ByteDance-Seed-OSS": [
    [{ budgetTokens: 512 }, "within 512 tokens"],
    [{ thinks: false }, "thinking budget is 0"],
  ],
  "deepseek-ai-DeepSeek-V4": [
    [{ thinks: true, effort: "max" }, "Absolute maximum"],
    [{ thinks: true, effort: "high" }, "<think>", "Absolute maximum"],
    [{ thinks: false }, "</think>", "<think>"],
  ],
};

test("a wish about reasoning is said in the words of each template, and refused by none", async (t) => {
  const templates = await llamaCppTemplates();
  if (typeof templates === "string") return t.skip(templates);
  const messages = [{ role: "user", content: "Hi" }];
  const all: readonly ReasoningWish[] = [
    { thinks: true },
    { thinks: false },
    ...["minimal", "low", "medium", "high", "xhigh", "max"].map((effort) => ({ thinks: true, effort })),
    { budgetTokens: 100 },
  ];
  for (const [file, chatTemplate] of templates) {
    const model = { chatTemplate, bosText: "<s>", eosText: "</s>", specialTexts: [] };
    const template = new ChatTemplate(model, today);
    for (const reasoning of all) template.render(messages, { reasoning });
    for (const [reasoning, held, absent] of wishes[file.replace(".jinja", "")] ?? []) {
      const text = textOf(template.render(messages, { reasoning }));
      assert.ok(text.includes(held), `${file}, ${JSON.stringify(reasoning)}: ${text}`);
      if (absent !== undefined)
        assert.ok(!text.includes(absent), `${file}, ${JSON.stringify(reasoning)}: ${text}`);
    }
  }
});

test("a template is a program from a stranger: it ends", () => {
  const model = { bosText: "", eosText: "", specialTexts: [] };
  const hostile = [
    "{% for a in range(99999) %}{% for b in range(99999) %}{{ a * b }}{% endfor %}{% endfor %}",
    "{% set ns = namespace(s='aaaaaaaaaaaaaaaa') %}{% for a in range(99999) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
    "{{ 'a' * 9999999999 }}",
    "{{ range(9999999999) }}",
  ];
  for (const chatTemplate of hostile) {
    const template = new ChatTemplate({ ...model, chatTemplate });
    assert.throws(() => template.render([{ role: "user", content: "Hi" }]), /takes too long|too long/);
  }
});
