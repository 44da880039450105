import type { AnswerFormat, CallFormat, ThoughtFormat } from "./format.ts";
import { gemma, python } from "./notations.ts";

const json = { type: "arguments", style: { type: "json" } } as const;
const name = { type: "name" } as const;
const text = (value: string) => ({ type: "text", text: value }) as const;

const hermes: CallFormat = {
  open: "",
  close: "",
  between: "\n",
  call: [text('<tool_call>\n{"name": "'), name, text('", "arguments": '), json, text("}\n</tool_call>")],
  mayFollowText: true,
  idLength: 24,
};

/** Llama 3: one JSON object is the whole answer. */
const llama3: CallFormat = {
  open: "",
  close: "",
  between: undefined,
  call: [text('{"name": "'), name, text('", "parameters": '), json, text("}")],
  mayFollowText: false,
  idLength: 24,
};

/** Mistral: a control token, then a list. */
const mistral: CallFormat = {
  open: "[TOOL_CALLS][",
  close: "]",
  between: ", ",
  call: [text('{"name": "'), name, text('", "arguments": '), json, text("}")],
  mayFollowText: true,
  idLength: 9,
};

/** Markers of thoughts that templates write or describe to their model. */
const thoughtMarkers: readonly ThoughtFormat[] = [
  { open: "<think>", close: "</think>" },
  { open: "[THINK]", close: "[/THINK]" },
  { open: "<|START_THINKING|>", close: "<|END_THINKING|>" },
  { open: "<seed:think>", close: "</seed:think>" },
  { open: "<|inner_prefix|>", close: "<|inner_suffix|>", endAtCalls: true },
  { open: "Here are my reasoning steps:\n", close: "[BEGIN FINAL RESPONSE]" },
];

/** gpt-oss: channels, which no template spells out as the model writes them. */
const harmony: AnswerFormat = {
  thoughts: { open: "<|channel|>analysis<|message|>", close: "<|end|>" },
  calls: {
    open: "",
    close: "",
    between: undefined,
    call: [text("<|channel|>commentary to=functions."), name, text(" <|constrain|>json<|message|>"), json],
    headers: [
      [text("<|channel|>commentary to=functions."), name, text("<|message|>")],
      [text("to=functions."), name, text("<|channel|>commentary json<|message|>")],
      [text("to=functions."), name, text("<|channel|>commentary <|constrain|>json<|message|>")],
      [text("to=functions."), name, text("<|channel|>commentary<|message|>")],
    ],
    mayFollowText: true,
    idLength: 24,
  },
  texts: { open: "<|channel|>final<|message|>", close: "<|end|>" },
  turn: "<|start|>assistant",
  layout: ["<|channel|>commentary<|message|>"],
};

/** Gemma 4: thoughts are shown beside calls only, and the calls' arguments are in a notation of its own. */
const gemma4: AnswerFormat = {
  thoughts: { open: "<|channel>thought\n", close: "<channel|>" },
  calls: {
    open: "",
    close: "",
    between: "",
    call: [
      text("<|tool_call>call:"),
      name,
      text("{"),
      { type: "arguments", style: gemma },
      text("}<tool_call|>"),
    ],
    mayFollowText: true,
    idLength: 24,
  },
};

/** MiniMax M3: every key is a tag, within values too. */
const minimaxMark = "]<]minimax[>[";
const minimaxM3: AnswerFormat = {
  thoughts: { open: "<mm:think>", close: "</mm:think>" },
  calls: {
    open: `${minimaxMark}<tool_call>\n`,
    close: `${minimaxMark}</tool_call>`,
    between: "",
    call: [
      text(`${minimaxMark}<invoke name="`),
      name,
      text('">'),
      {
        type: "arguments",
        style: {
          type: "tagged",
          argument: [
            text(`${minimaxMark}<`),
            { type: "key" },
            text(">"),
            { type: "value" },
            text(`${minimaxMark}</`),
            { type: "key" },
            text(">"),
          ],
          itemKey: "item",
        },
      },
      text(`${minimaxMark}</invoke>\n`),
    ],
    mayFollowText: true,
    idLength: 24,
  },
};

/** Kimi K3: blocks that open and close by name, a text before the calls even if it is empty. */
const kimiK3: AnswerFormat = {
  thoughts: { open: "<|open|>think<|sep|>", close: "<|close|>think<|sep|>" },
  calls: {
    open: "<|open|>tools<|sep|>",
    close: "<|close|>tools<|sep|>",
    between: "",
    call: [
      text('<|open|>call tool="'),
      name,
      text('" index="'),
      { type: "id" },
      text('"<|sep|>'),
      {
        type: "arguments",
        style: {
          type: "tagged",
          argument: [
            text('<|open|>argument key="'),
            { type: "key" },
            text('" type="'),
            { type: "kind" },
            text('"<|sep|>'),
            { type: "value" },
            text("<|close|>argument<|sep|>"),
          ],
          kinds: {
            string: "string",
            number: "number",
            boolean: "boolean",
            null: "null",
            array: "array",
            object: "object",
          },
        },
      },
      text("<|close|>call<|sep|>"),
    ],
    mayFollowText: true,
    idLength: 24,
  },
  texts: { open: "<|open|>response<|sep|>", close: "<|close|>response<|sep|>" },
};

/** Muse: each block is a message to a recipient; calls are messages to the function itself. */
const muse: AnswerFormat = {
  thoughts: { open: " to=self<|message|>", close: "<|eom|>" },
  calls: {
    open: "",
    close: "",
    between: "<|eom|><|start|>assistant",
    call: [
      text(" to="),
      name,
      text('<|message|><atem:function_calls>\n<atem:invoke name="'),
      name,
      text('">\n'),
      {
        type: "arguments",
        style: {
          type: "tagged",
          argument: [
            text('<atem:parameter name="'),
            { type: "key" },
            text('">'),
            { type: "value" },
            text("</atem:parameter>\n"),
          ],
        },
      },
      text("</atem:invoke>\n</atem:function_calls>"),
    ],
    onlyKnownNames: true,
    mayFollowText: true,
    idLength: 24,
  },
  texts: { open: " to=user<|message|>", close: "<|eom|>" },
  turn: "<|start|>assistant",
};

/** Functionary 3.2: every block begins with whom it is for, and the prompt ends where the first name is to come. */
const functionary: AnswerFormat = {
  thoughts: undefined,
  calls: {
    open: "",
    close: "",
    between: "",
    call: [text(">>>"), name, text("\n"), json],
    headers: [[name, text("\n")]],
    onlyKnownNames: true,
    mayFollowText: true,
    idLength: 24,
  },
  texts: { open: "all\n", close: "" },
};

/** Granite 3: described in words alone. */
const granite3: CallFormat = {
  open: "<|tool_call|>[",
  close: "]",
  between: ", ",
  call: [text('{"name": "'), name, text('", "arguments": '), json, text("}")],
  mayFollowText: true,
  idLength: 24,
};

/** LFM2: a list of calls in Python, which some of its templates leave to the model to know. */
const lfm2: CallFormat = {
  open: "<|tool_call_start|>[",
  close: "]<|tool_call_end|>",
  between: ", ",
  call: [name, text("("), { type: "arguments", style: python }, text(")")],
  mayFollowText: true,
  idLength: 24,
};

/** Formats that can't be learned from their template, by what only that template says. */
const exceptions: ReadonlyArray<readonly [string, AnswerFormat]> = [
  ["<|channel|>analysis", harmony],
  ["<|channel>thought", gemma4],
  ["]<]minimax[>[", minimaxM3],
  ["open_tag('response')", kimiK3],
  ["<atem:function_calls>", muse],
  [">>>all", functionary],
];

export function exceptionalFormat(template: string): AnswerFormat | undefined {
  return exceptions.find(([mark]) => template.includes(mark))?.[1];
}

/** The format that a chat template shows; Hermes' calls where it shows none, which the fallback instructions describe. */
export function knownFormat(template: string): AnswerFormat {
  return {
    calls: knownCalls(template),
    thoughts: thoughtMarkers.find(
      ({ open, close }) => template.includes(open.trim()) || template.includes(close),
    ),
  };
}

function knownCalls(template: string): CallFormat {
  if (template.includes("followed by a JSON list of tools")) return granite3;
  if (/<\|tool_list_start\|>|List of tools: \[/.test(template)) return lfm2;
  if (template.includes("<tool_call>")) return hermes;
  if (template.includes("[TOOL_CALLS]")) return mistral;
  if (/ipython|<\|python_tag\|>/.test(template)) return llama3;
  return hermes;
}
