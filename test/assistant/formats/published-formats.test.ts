import assert from "node:assert/strict";
import { test } from "node:test";
import { type AnswerPart, BlockParser } from "../../../src/assistant/formats/block-parser.ts";
import type { AnswerFormat, CallFormat } from "../../../src/assistant/formats/format.ts";
import { ChatTemplate } from "../../../src/assistant/template/template.ts";
import { llamaCppTemplates } from "../../support/llama-cpp-templates.ts";

interface Call {
  readonly name: string;
  readonly args: string;
}

/** An answer as the model of a format writes it. */
function write(
  { thoughts, calls }: AnswerFormat,
  thought: string,
  text: string,
  made: readonly Call[],
): string {
  const opened = thoughts === undefined ? "" : `${thoughts.open}\n${thought}\n${thoughts.close}\n\n`;
  return opened + text + (made.length === 0 ? "" : `\n${writeCalls(calls, made)}`);
}

function writeCalls({ open, close, between, call }: CallFormat, made: readonly Call[]): string {
  const written = made.map(({ name, args }, index) =>
    call
      .map((piece) => {
        switch (piece.type) {
          case "text":
            return piece.text;
          case "name":
            return name;
          case "id":
            return String(index);
          default:
            return args;
        }
      })
      .join(""),
  );
  return open + written.join(between ?? "") + close;
}

function parse(format: AnswerFormat, pieces: readonly string[]): string[][] {
  const parser = new BlockParser(format, { isThinking: false, canCall: true });
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

const thought = 'Is "it" < 3 }]\n\nor ünicode 🙂?';
const text = "Let me see: <b>{1, [2]}</b>";
const calls: readonly Call[] = [
  {
    name: "get_weather",
    args: '{"a": "q\\"}{ü\\n🙂", "b": [1, {"c": null}], "d": true, "e": -1.5, "f": {}}',
  },
  { name: "other-tool", args: "{}" },
];

test("what a published template's model writes is read to the same blocks, however it is cut", async (t) => {
  const templates = await llamaCppTemplates();
  if (typeof templates === "string") return t.skip(templates);
  assert.equal(templates.size, 68);
  for (const [file, chatTemplate] of templates) {
    const template = new ChatTemplate({ chatTemplate, bosText: "<s>", eosText: "</s>", specialTexts: [] });
    const { format } = template;
    if (file.startsWith("meta-llama")) assert.ok(!format.calls.mayFollowText);
    const many = format.calls.between === undefined ? calls.slice(0, 1) : calls;
    const spoken = format.calls.mayFollowText ? [text] : [];
    const answer = write(format, thought, spoken.join(""), many);
    const expected = [
      ...(format.thoughts === undefined ? [] : [["reasoning", thought]]),
      ...spoken.map((said) => ["text", said]),
      ...many.map(({ name, args }) => ["call", name, args]),
    ];
    assert.deepEqual(parse(format, [answer]), expected, file);
    assert.deepEqual(parse(format, [...answer]), expected, `${file}, by characters`);
    for (let at = 1; at < answer.length; at += 3)
      assert.deepEqual(
        parse(format, [answer.slice(0, at), answer.slice(at)]),
        expected,
        `${file}, cut at ${at}`,
      );
  }
});

test("no answer breaks a parser or loses a character", async (t) => {
  const templates = await llamaCppTemplates();
  if (typeof templates === "string") return t.skip(templates);
  let seed = 1;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % below;
  };
  const letters = (text: string) => text.replace(/\s/g, "");
  for (const chatTemplate of templates.values()) {
    const { format } = new ChatTemplate({ chatTemplate, bosText: "<s>", eosText: "</s>", specialTexts: [] });
    const words = [
      ...format.calls.call.flatMap((piece) => (piece.type === "text" ? [piece.text] : [])),
      format.calls.open,
      format.calls.close,
      format.thoughts?.open ?? "",
      format.thoughts?.close ?? "",
      ...'<{["a \n}]>',
      "name",
    ];
    for (let round = 0; round < 150; round++) {
      const pieces = Array.from({ length: 1 + random(12) }, () => words[random(words.length)] ?? "");
      const whole = parse(format, [pieces.join("")]);
      assert.deepEqual(parse(format, pieces), whole);
      // Without markers everything is text.
      const plain = pieces.filter((piece) => piece.length === 1 || piece === "name").join("");
      if (plain === letters(plain) && !plain.startsWith("{") && !plain.startsWith("["))
        assert.equal(
          parse(format, [plain])
            .map((block) => block.at(-1))
            .join(""),
          plain,
        );
    }
  }
});
