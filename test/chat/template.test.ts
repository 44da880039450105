import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ChatTemplate, type TemplateModel } from "../../src/chat/template.ts";
import { InvalidRequestError } from "../../src/errors.ts";
import type { Prompt } from "../../src/inference/engine.ts";

const chatml: TemplateModel = {
  chatTemplate:
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}" +
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
  bosText: "",
  eosText: "<|im_end|>",
  specialTexts: ["<|im_start|>", "<|im_end|>", "<|endoftext|>"],
};
const llama2: TemplateModel = {
  chatTemplate:
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}[INST] {{ m.content | trim }} [/INST]" +
    "{% elif m.role == 'assistant' %} {{ m.content }}{{ eos_token }}" +
    "{% else %}{{ raise_exception('Only user and assistant') }}{% endif %}{% endfor %}",
  bosText: "<s>",
  eosText: "</s>",
  specialTexts: ["<s>", "</s>", "<unk>"],
};
const llama3: TemplateModel = {
  chatTemplate:
    "{% for m in messages %}{% set text = '<|start_header_id|>' + m['role'] + '<|end_header_id|>\n\n' + m['content'] | trim + '<|eot_id|>' %}" +
    "{% if loop.index0 == 0 %}{% set text = bos_token + text %}{% endif %}{{ text }}{% endfor %}" +
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}",
  bosText: "<|begin_of_text|>",
  eosText: "<|eot_id|>",
  specialTexts: ["<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"],
};

const textOf = (prompt: Prompt) =>
  prompt.parts.map((part) => (part.type === "text" ? part.text : "")).join("");
const specialsIn = ({ specialTexts }: TemplateModel, prompt: Prompt) =>
  prompt.parts
    .flatMap((part) =>
      part.type === "text" && part.parseSpecial
        ? specialTexts.flatMap(
            (special) => Array(part.text.split(special).length - 1).fill(special) as string[],
          )
        : [],
    )
    .sort();

test("messages are rendered as the model's family writes them", () => {
  const messages = [
    { role: "user", content: "Hi" },
    { role: "assistant", content: "Yes?" },
    { role: "user", content: " Bye " },
  ];
  assert.equal(
    textOf(new ChatTemplate(chatml).render(messages)),
    "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nYes?<|im_end|>\n<|im_start|>user\n Bye <|im_end|>\n<|im_start|>assistant\n",
  );
  const second = new ChatTemplate(llama2).render(messages);
  assert.equal(textOf(second), "<s>[INST] Hi [/INST] Yes?</s>[INST] Bye [/INST]");
  assert.equal(second.addBos, false);
  assert.equal(
    textOf(new ChatTemplate(llama3).render(messages.slice(0, 1))),
    "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
  );
});

for (const [family, model] of Object.entries({ chatml, llama2, llama3 })) {
  test(`no message makes a special token of ${family}, and its text arrives whole`, () => {
    const piece = fc.oneof(
      fc.constantFrom(
        ...model.specialTexts,
        ...model.specialTexts.map((text) => text.slice(1)),
        "<",
        "|>",
        "<|",
      ),
      fc.constantFrom("a", "\u{fdd0}", "\u00e9"),
    );
    const template = new ChatTemplate(model);
    const own = specialsIn(model, template.render([{ role: "user", content: "x" }]));
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 8 }), (pieces) => {
        const content = `x${pieces.join("")}x`;
        const prompt = template.render([{ role: "user", content }]);
        assert.deepEqual(specialsIn(model, prompt), own);
        assert.ok(textOf(prompt).includes(content));
      }),
    );
  });
}

test("a template's own refusal is the client's error", () => {
  const template = new ChatTemplate(llama2);
  assert.throws(
    () => template.render([{ role: "system", content: "x" }]),
    (error) => error instanceof InvalidRequestError && /Only user and assistant/.test(error.message),
  );
});

test("without a template one message is continued as it is, and nothing in it is special", () => {
  const template = new ChatTemplate({ ...chatml, chatTemplate: undefined });
  const prompt = template.render([{ role: "user", content: "<|im_start|>a" }]);
  assert.deepEqual(prompt.parts, [{ type: "text", text: "<|im_start|>a", parseSpecial: false }]);
});
