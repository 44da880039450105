import assert from "node:assert/strict";
import { test } from "node:test";
import { toMessages as fromAnthropic } from "../../src/dialects/anthropic/messages.ts";
import type { Note } from "../../src/dialects/notes.ts";
import { infillForm, infillPrompt } from "../../src/dialects/openai/completions/infill.ts";
import { toMessages as fromResponses } from "../../src/dialects/openai/responses/input.ts";

test("thoughts of earlier turns are given to the template, which knows whether the model reads them", () => {
  const notes: Note[] = [];
  const content = [
    { type: "thinking", thinking: "first", signature: "s" },
    { type: "thinking", thinking: "then", signature: "s" },
    { type: "text", text: "A" },
    { type: "tool_use", id: "t", name: "f", input: {} },
  ];
  assert.deepEqual(fromAnthropic("assistant", content, "messages[0]", notes), [
    {
      role: "assistant",
      content: "A",
      reasoning: "first\nthen",
      toolCalls: [{ id: "t", name: "f", arguments: "{}" }],
    },
  ]);
  const thought = { type: "reasoning", summary: [], content: [{ type: "reasoning_text", text: "why" }] };
  assert.deepEqual(
    fromResponses(
      [
        { role: "user", content: "Q" },
        thought,
        { type: "function_call", call_id: "c", name: "f", arguments: "{}" },
        { type: "function_call_output", call_id: "c", output: "x" },
        thought,
        { type: "message", role: "assistant", content: [{ type: "output_text", text: "A" }] },
      ],
      notes,
    ),
    [
      { role: "user", content: "Q" },
      {
        role: "assistant",
        content: "",
        reasoning: "why",
        toolCalls: [{ id: "c", name: "f", arguments: "{}" }],
      },
      { role: "tool", content: "x", toolCallId: "c" },
      { role: "assistant", content: "A", reasoning: "why" },
    ],
  );
  assert.deepEqual(notes, []);
});

test("a gap is filled in the words of the model's family, and by no other model", () => {
  const qwen = ["<|im_start|>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>"];
  assert.deepEqual(
    infillPrompt("a(", ")", qwen).parts.map((part) => part.type === "text" && part.text),
    ["<|fim_prefix|>", "a(", "<|fim_suffix|>", ")", "<|fim_middle|>"],
  );
  const codestral = ["[PREFIX]", "[SUFFIX]"];
  assert.deepEqual(
    infillPrompt("a(", ")", codestral).parts.map((part) => part.type === "text" && part.text),
    ["[SUFFIX]", ")", "[PREFIX]", "a("],
  );
  assert.equal(infillForm(["<|im_start|>", "<|fim_prefix|>"]), undefined);
  assert.throws(() => infillPrompt("a(", ")", []), /suffix is not supported/);
});
