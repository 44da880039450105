import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { editGguf } from "../support/edited-gguf.ts";
import { BUILTIN } from "../support/model.ts";
import { type OpenAiServer, only, startOpenAiServer } from "../support/openai-server.ts";
import { json, readEvents } from "../support/server.ts";

/** Thoughts and the switch for them as Qwen3's template has them. */
const TEMPLATE = `{% for message in messages %}<|im_start|>{{ message.role }}
{% if message.reasoning_content %}<think>
{{ message.reasoning_content }}
</think>

{% endif %}{{ message.content }}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% if enable_thinking is defined and enable_thinking is false %}<think>

</think>

{% endif %}{% endif %}`;

let started: OpenAiServer;
let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "llm-server-test-"));
  const model = await editGguf(BUILTIN, join(directory, "thinking.gguf"), {
    "tokenizer.chat_template": { type: "string", value: TEMPLATE },
  });
  started = await startOpenAiServer({ env: { MODEL_NAME: model } });
});
after(async () => {
  await started[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

interface Said {
  readonly content?: string | null;
  readonly reasoning_content?: string | null;
}

test("thoughts come apart from the answer, streamed and whole", async () => {
  const fields = { grammar: only("<think>\nI think so\n</think>\n\nanswer"), max_tokens: 64 };
  const whole = await json<{ choices: ReadonlyArray<{ message: Said }> }>(started.chat(fields));
  const { content, reasoning_content: thoughts } = whole.choices[0]?.message ?? {};
  assert.deepEqual([thoughts, content], ["I think so", "answer"]);
  const deltas: Said[] = [];
  for await (const event of readEvents(await started.chat({ ...fields, stream: true }))) {
    if (event === "[DONE]") continue;
    const { choices } = JSON.parse(event) as { choices: ReadonlyArray<{ delta: Said }> };
    deltas.push(...choices.map(({ delta }) => delta));
  }
  assert.equal(deltas.map((delta) => delta.reasoning_content ?? "").join(""), "I think so");
  assert.equal(deltas.map((delta) => delta.content ?? "").join(""), "answer");
});

const promptTokens = async (fields: object) =>
  (await json<{ usage: { prompt_tokens: number } }>(started.chat({ max_tokens: 1, ...fields }))).usage
    .prompt_tokens;

test("thoughts of a history reach the template beside calls and results", async () => {
  const call = { id: "c", type: "function", function: { name: "f", arguments: "{}" } };
  const history = (reasoning: object) => [
    { role: "user", content: "Q" },
    { role: "assistant", content: "x", tool_calls: [call], ...reasoning },
    { role: "tool", tool_call_id: "c", content: "found" },
  ];
  const without = await promptTokens({ messages: history({}) });
  for (const field of ["reasoning_content", "reasoning"])
    assert.ok((await promptTokens({ messages: history({ [field]: "because" }) })) > without, field);
});

test("a template's switch is turned by its own name and by OpenAI's effort", async () => {
  const plain = await promptTokens({});
  const off = await promptTokens({ chat_template_kwargs: { enable_thinking: false } });
  assert.ok(off > plain);
  assert.equal(await promptTokens({ reasoning_effort: "none" }), off);
  assert.equal(await promptTokens({ reasoning_effort: "high" }), plain);
});
