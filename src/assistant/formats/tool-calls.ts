/** How a family of models writes the functions it wants called. */
export interface ToolCallFormat {
  readonly family: "hermes" | "llama3" | "mistral";
  /** What opens the calls, in the words of the model's training. */
  readonly open: string;
  /** Around the name and the arguments of one call. */
  readonly beforeName: string;
  readonly beforeArguments: string;
  readonly afterArguments: string;
  /** Between two calls; undefined where the family makes one at a time. */
  readonly between: string | undefined;
  readonly close: string;
  /** True where calls may follow text; otherwise an answer is either text or calls, and its first character tells. */
  readonly mayFollowText: boolean;
  /** Characters of a call's id, which some templates insist on. */
  readonly idLength: number;
}

const hermes: ToolCallFormat = {
  family: "hermes",
  open: "<tool_call>\n",
  beforeName: '{"name": "',
  beforeArguments: '", "arguments": ',
  afterArguments: "}",
  between: "\n</tool_call>\n<tool_call>\n",
  close: "\n</tool_call>",
  mayFollowText: true,
  idLength: 24,
};

/** Llama 3: one JSON object is the whole answer. */
const llama3: ToolCallFormat = {
  family: "llama3",
  open: "",
  beforeName: '{"name": "',
  beforeArguments: '", "parameters": ',
  afterArguments: "}",
  between: undefined,
  close: "",
  mayFollowText: false,
  idLength: 24,
};

/** Mistral: a control token, which has no text of its own in the output, then a list. */
const mistral: ToolCallFormat = {
  family: "mistral",
  open: "[TOOL_CALLS][",
  beforeName: '{"name": "',
  beforeArguments: '", "arguments": ',
  afterArguments: "}",
  between: ", ",
  close: "]",
  mayFollowText: false,
  idLength: 9,
};

/** The format that a chat template shows; Hermes' where it shows none, which the fallback instructions describe. */
export function toolCallFormat(template: string): ToolCallFormat {
  if (template.includes("<tool_call>")) return hermes;
  if (template.includes("[TOOL_CALLS]")) return mistral;
  if (/ipython|<\|python_tag\|>/.test(template)) return llama3;
  return hermes;
}
