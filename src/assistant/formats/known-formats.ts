import type { AnswerFormat, CallFormat, ThoughtFormat } from "./format.ts";

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

/** Markers of thoughts that templates write or tell their model of. */
const thoughtMarkers: readonly ThoughtFormat[] = [
  { open: "<think>", close: "</think>" },
  { open: "[THINK]", close: "[/THINK]" },
  { open: "<|START_THINKING|>", close: "<|END_THINKING|>" },
  { open: "<seed:think>", close: "</seed:think>" },
];

/** gpt-oss: channels, which no template spells out as the model writes them. */
const harmony: AnswerFormat = {
  thoughts: { open: "<|channel|>analysis<|message|>", close: "<|end|>" },
  calls: {
    open: "",
    close: "",
    between: undefined,
    call: [text("<|channel|>commentary to=functions."), name, text(" <|constrain|>json<|message|>"), json],
    mayFollowText: true,
    idLength: 24,
  },
  layout: ["<|start|>assistant", "<|channel|>final<|message|>", "<|channel|>commentary<|message|>"],
};

/** Formats that can't be learned from their template. */
export function exceptionalFormat(template: string): AnswerFormat | undefined {
  return template.includes("<|channel|>analysis") ? harmony : undefined;
}

/** The format that a chat template shows; Hermes' calls where it shows none, which the fallback instructions describe. */
export function knownFormat(template: string): AnswerFormat {
  return {
    calls: knownCalls(template),
    thoughts: thoughtMarkers.find(({ open, close }) => template.includes(open) || template.includes(close)),
  };
}

function knownCalls(template: string): CallFormat {
  if (template.includes("<tool_call>")) return hermes;
  if (template.includes("[TOOL_CALLS]")) return mistral;
  if (/ipython|<\|python_tag\|>/.test(template)) return llama3;
  return hermes;
}
