/*
 * Answers as the makers of published models have them write, by hand: nothing here knows the source's idea of a format.
 */

export interface WrittenCall {
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
}

export interface Dialect {
  /** Thoughts, with what surrounds them. */
  readonly think?: (thought: string) => string;
  /** Text and calls; an answer may have either. */
  readonly speak: (text: string) => string;
  /** Undefined where calls and text exclude each other, or where only one call is made. */
  readonly call: (calls: readonly WrittenCall[]) => string;
  readonly callsOnce?: true;
  readonly textOrCalls?: true;
  /** What comes between a text and a call. */
  readonly between?: string;
}

/** Words that stand for a value where it is written. */
type Spell = (value: unknown) => string;

/** JSON as Python's `json.dumps` has it. */
const json: Spell = (value) => {
  if (Array.isArray(value)) return `[${value.map(json).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([key, inner]) => `${JSON.stringify(key)}: ${json(inner)}`)
    .join(", ")}}`;
};

const python: Spell = (value) => {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "string")
    return `'${value.replaceAll("\\", "\\\\").replaceAll("'", "\\'").replaceAll("\n", "\\n")}'`;
  if (Array.isArray(value)) return `[${value.map(python).join(", ")}]`;
  if (typeof value === "object")
    return `{${Object.entries(value)
      .map(([key, inner]) => `${python(key)}: ${python(inner)}`)
      .join(", ")}}`;
  return String(value);
};

const gemma: Spell = (value) => {
  if (typeof value === "string") return `<|"|>${value}<|"|>`;
  if (Array.isArray(value)) return `[${value.map(gemma).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([key, inner]) => `${key}:${gemma(inner)}`)
    .join(",")}}`;
};

/** Texts as they are, other values in some notation. */
const bare =
  (others: Spell): Spell =>
  (value) =>
    typeof value === "string" ? value : others(value);

const each = (
  calls: readonly WrittenCall[],
  one: (call: WrittenCall, index: number) => string,
  between = "",
) => calls.map(one).join(between);

const parameters = (args: WrittenCall["args"], one: (key: string, value: unknown) => string, between = "") =>
  Object.entries(args)
    .map(([key, value]) => one(key, value))
    .join(between);

const plain = (text: string) => text;
const think = (thought: string) => `<think>\n${thought}\n</think>\n\n`;
const thinkTight = (thought: string) => `<think>${thought}</think>`;

const hermes: Dialect = {
  speak: plain,
  between: "\n",
  call: (calls) =>
    each(
      calls,
      ({ name, args }) => `<tool_call>\n{"name": "${name}", "arguments": ${json(args)}}\n</tool_call>`,
      "\n",
    ),
};

const list =
  (open: string, close: string, nameKey = "name", argumentsKey = "arguments") =>
  (calls: readonly WrittenCall[]) =>
    open +
    each(calls, ({ name, args }) => `{"${nameKey}": "${name}", "${argumentsKey}": ${json(args)}}`, ", ") +
    close;

/** Qwen3-Coder's parameters; `Spell` is of values that are not text. */
const coder = (others: Spell, between: string) => (calls: readonly WrittenCall[]) =>
  each(
    calls,
    ({ name, args }) =>
      `<tool_call>\n<function=${name}>\n${parameters(
        args,
        (key, value) => `<parameter=${key}>\n${bare(others)(value)}\n</parameter>\n`,
      )}</function>\n</tool_call>`,
    between,
  );

/** GLM's keys and values, with `gap` between the marks. */
const glm = (gap: string, between: string) => (calls: readonly WrittenCall[]) =>
  each(
    calls,
    ({ name, args }) =>
      `<tool_call>${name}${gap}${parameters(
        args,
        (key, value) => `<arg_key>${key}</arg_key>${gap}<arg_value>${bare(json)(value)}</arg_value>${gap}`,
      )}</tool_call>`,
    between,
  );

const invoke = (prefix: string, call: WrittenCall, kinds: boolean) =>
  `<${prefix}invoke name="${call.name}">\n${parameters(
    call.args,
    (key, value) =>
      `<${prefix}parameter name="${key}"${kinds ? ` string="${typeof value === "string"}"` : ""}>${bare(json)(value)}</${prefix}parameter>\n`,
  )}</${prefix}invoke>`;

const deepseek = (block: string): Dialect => ({
  think: thinkTight,
  speak: plain,
  between: "\n\n",
  call: (calls) =>
    `<｜DSML｜${block}>\n${each(calls, (call) => invoke("｜DSML｜", call, true), "\n")}\n</｜DSML｜${block}>`,
});

const kimi = (calls: readonly WrittenCall[]) =>
  `<|tool_calls_section_begin|>${each(
    calls,
    ({ name, args }, index) =>
      `<|tool_call_begin|>functions.${name}:${index}<|tool_call_argument_begin|>${json(args)}<|tool_call_end|>`,
  )}<|tool_calls_section_end|>`;

const minimaxM3Value = (key: string, value: unknown): string => {
  const mark = "]<]minimax[>[";
  const inside = Array.isArray(value)
    ? value.map((item) => minimaxM3Value("item", item)).join("")
    : typeof value === "object" && value !== null
      ? Object.entries(value)
          .map(([inner, own]) => minimaxM3Value(inner, own))
          .join("")
      : bare(json)(value);
  return `${mark}<${key}>${inside}${mark}</${key}>`;
};

const cohere = (calls: readonly WrittenCall[]) =>
  `<|START_ACTION|>[${each(
    calls,
    ({ name, args }, index) =>
      `\n    {"tool_call_id": "${index}", "tool_name": "${name}", "parameters": ${json(args)}}`,
    ",",
  )}\n]<|END_ACTION|>`;

const typeName = (value: unknown) =>
  value === null ? "null" : Array.isArray(value) ? "array" : typeof value;

const dialects = {
  hermes,
  hermesThinking: { ...hermes, think },
  reka: {
    ...hermes,
    think,
    call: (calls) => hermes.call(calls).replaceAll("</tool_call>\n", "</tool_call>"),
  },
  apertus: {
    think: (thought) => `<|inner_prefix|>${thought}<|inner_suffix|>`,
    speak: plain,
    call: (calls) =>
      `<|tools_prefix|>[${each(calls, ({ name, args }) => `{"${name}": ${json(args)}}`, ", ")}]<|tools_suffix|>`,
  },
  apriel: {
    think: (thought) => `Here are my reasoning steps:\n${thought}\n[BEGIN FINAL RESPONSE]\n`,
    speak: plain,
    between: "\n",
    call: list("<tool_calls>[", "]</tool_calls>"),
  },
  seed: {
    think: (thought) => `<seed:think>${thought}</seed:think>\n`,
    speak: plain,
    between: "\n",
    call: (calls) =>
      each(
        calls,
        ({ name, args }) =>
          `<seed:tool_call>\n<function=${name}>\n${parameters(
            args,
            (key, value) => `<parameter=${key}>${bare(python)(value)}</parameter>\n`,
          )}</function>\n</seed:tool_call>`,
        "\n",
      ),
  },
  cohere2moe: {
    think: (thought) => `<|START_THINKING|>${thought}<|END_THINKING|>`,
    speak: (text) => `<|START_TEXT|>${text}<|END_TEXT|>`,
    call: cohere,
  },
  commandR7b: {
    think: (thought) => `<|START_THINKING|>${thought}<|END_THINKING|>`,
    speak: (text) => `<|START_RESPONSE|>${text}<|END_RESPONSE|>`,
    call: cohere,
  },
  commandRPlus: {
    speak: plain,
    between: "\n",
    call: (calls) =>
      `Action:\n\`\`\`json\n[${each(
        calls,
        ({ name, args }) =>
          `\n    {\n        "tool_name": "${name}",\n        "parameters": ${json(args)}\n    }`,
        ",",
      )}\n]\`\`\``,
  },
  glm: { think: thinkTight, speak: plain, between: "\n", call: glm("\n", "\n") },
  glmTight: { think: thinkTight, speak: plain, call: glm("", "") },
  gigaChat3: {
    speak: plain,
    callsOnce: true,
    call: (calls) =>
      each(
        calls,
        ({ name, args }) =>
          `<|message_sep|>\n\nfunction call<|role_sep|>\n{"name": "${name}", "arguments": ${json(args)}}`,
      ),
  },
  gigaChat31: {
    speak: plain,
    callsOnce: true,
    call: (calls) =>
      each(calls, ({ name, args }) => `<|function_call|>{"name": "${name}", "arguments": ${json(args)}}`),
  },
  kimi: { speak: plain, call: kimi },
  kimiThinking: { think: thinkTight, speak: plain, call: kimi },
  kimiK3: {
    think: (thought) => `<|open|>think<|sep|>${thought}<|close|>think<|sep|>`,
    speak: (text) => `<|open|>response<|sep|>${text}<|close|>response<|sep|>`,
    call: (calls) =>
      `<|open|>tools<|sep|>${each(
        calls,
        ({ name, args }, index) =>
          `<|open|>call tool="${name}" index="${index + 1}"<|sep|>${parameters(
            args,
            (key, value) =>
              `<|open|>argument key="${key}" type="${typeName(value)}"<|sep|>${bare(json)(value)}<|close|>argument<|sep|>`,
          )}<|close|>call<|sep|>`,
      )}<|close|>tools<|sep|>`,
  },
  lfm2: {
    speak: plain,
    call: (calls) =>
      `<|tool_call_start|>[${each(
        calls,
        ({ name, args }) => `${name}(${parameters(args, (key, value) => `${key}=${python(value)}`, ", ")})`,
        ", ",
      )}]<|tool_call_end|>`,
  },
  minimaxM1: {
    speak: plain,
    between: "\n",
    call: (calls) =>
      `<tool_calls>\n${each(calls, ({ name, args }) => `{"name": "${name}", "arguments": ${json(args)}}`, "\n")}\n</tool_calls>`,
  },
  minimaxM2: {
    think,
    speak: plain,
    between: "\n",
    call: (calls) =>
      `<minimax:tool_call>\n${each(calls, (call) => invoke("", call, false), "\n")}\n</minimax:tool_call>`,
  },
  minimaxM3: {
    think: (thought) => `<mm:think>${thought}</mm:think>`,
    speak: plain,
    call: (calls) =>
      `]<]minimax[>[<tool_call>\n${each(
        calls,
        ({ name, args }) =>
          `]<]minimax[>[<invoke name="${name}">${parameters(args, minimaxM3Value)}]<]minimax[>[</invoke>\n`,
      )}]<]minimax[>[</tool_call>`,
  },
  mistralIds: {
    speak: plain,
    call: (calls) =>
      each(
        calls,
        ({ name, args }, index) => `[TOOL_CALLS]${name}[CALL_ID]abcdefgh${index}[ARGS]${json(args)}`,
      ),
  },
  mistralArgs: {
    speak: plain,
    call: (calls) => each(calls, ({ name, args }) => `[TOOL_CALLS]${name}[ARGS]${json(args)}`),
  },
  mistralNemo: {
    speak: plain,
    call: (calls) =>
      `[TOOL_CALLS][${each(
        calls,
        ({ name, args }, index) =>
          `{"name": "${name}", "arguments": ${json(args)}, "id": "abcdefgh${index}"}`,
        ", ",
      )}]`,
  },
  nemotron3: { think, speak: plain, between: "\n", call: coder(json, "\n") },
  nemotron2: { think, speak: plain, between: "\n", call: list("<TOOLCALL>[", "]</TOOLCALL>") },
  coder: { speak: plain, between: "\n", call: coder(json, "\n") },
  /** What Qwen's templates print of a boolean is Python's. */
  coderPython: {
    think,
    speak: plain,
    between: "\n",
    call: coder((value) => (typeof value === "object" && value !== null ? json(value) : python(value)), "\n"),
  },
  stepfun: { think, speak: plain, between: "\n", call: coder(json, "") },
  deepseekV32: deepseek("function_calls"),
  deepseekV4: deepseek("tool_calls"),
  deepseekR1: {
    think,
    speak: plain,
    call: (calls) =>
      `<｜tool▁calls▁begin｜>${each(
        calls,
        ({ name, args }) =>
          `<｜tool▁call▁begin｜>function<｜tool▁sep｜>${name}\n\`\`\`json\n${json(args)}\n\`\`\`<｜tool▁call▁end｜>`,
        "\n",
      )}<｜tool▁calls▁end｜>`,
  },
  deepseekV31: {
    think,
    speak: plain,
    call: (calls) =>
      `<｜tool▁calls▁begin｜>${each(
        calls,
        ({ name, args }) => `<｜tool▁call▁begin｜>${name}<｜tool▁sep｜>${json(args)}<｜tool▁call▁end｜>`,
        "",
      )}<｜tool▁calls▁end｜>`,
  },
  firefunction: { speak: plain, between: " ", call: list("functools[", "]") },
  gemma4: {
    think: (thought) => `<|channel>thought\n${thought}\n<channel|>`,
    speak: plain,
    call: (calls) =>
      each(
        calls,
        ({ name, args }) =>
          `<|tool_call>call:${name}{${parameters(args, (key, value) => `${key}:${gemma(value)}`, ",")}}<tool_call|>`,
      ),
  },
  granite3: { think, speak: plain, call: list("<|tool_call|>[", "]") },
  functionary31: {
    speak: plain,
    call: (calls) => each(calls, ({ name, args }) => `<function=${name}>${json(args)}</function>`),
  },
  functionary32: {
    speak: (text) => `all\n${text}`,
    between: "\n",
    call: (calls) => each(calls, ({ name, args }) => `>>>${name}\n${json(args)}`),
  },
  llama3: {
    speak: plain,
    textOrCalls: true,
    callsOnce: true,
    call: (calls) => each(calls, ({ name, args }) => `{"name": "${name}", "parameters": ${json(args)}}`),
  },
  ministral: {
    think: (thought) => `[THINK]${thought}[/THINK]`,
    speak: plain,
    call: (calls) => each(calls, ({ name, args }) => `[TOOL_CALLS]${name}[ARGS]${json(args)}`),
  },
  muse: {
    think: (thought) => ` to=self<|message|>${thought}<|eom|><|start|>assistant`,
    speak: (text) => ` to=user<|message|>${text}<|eom|>`,
    between: "<|start|>assistant",
    call: (calls) =>
      each(
        calls,
        (call) =>
          ` to=${call.name}<|message|><atem:function_calls>\n${invoke("atem:", call, false)}\n</atem:function_calls>`,
        "<|eom|><|start|>assistant",
      ),
  },
  harmony: {
    think: (thought) => `<|channel|>analysis<|message|>${thought}<|end|><|start|>assistant`,
    speak: (text) => `<|channel|>commentary<|message|>${text}<|end|>`,
    between: "<|start|>assistant",
    callsOnce: true,
    call: (calls) =>
      each(
        calls,
        ({ name, args }) =>
          `<|channel|>commentary to=functions.${name} <|constrain|>json<|message|>${json(args)}`,
      ),
  },
  miniCpm5: {
    think,
    speak: plain,
    between: "\n",
    call: (calls) =>
      each(
        calls,
        ({ name, args }) =>
          `<function name="${name}">${parameters(
            args,
            (key, value) => `<param name="${key}">${bare(python)(value)}</param>`,
          )}</function>`,
        "\n",
      ),
  },
  hunyuan: {
    think: (thought) => `<think:opensource>${thought}</think:opensource>`,
    speak: plain,
    call: (calls) =>
      `<tool_calls:opensource>\n${each(
        calls,
        ({ name, args }) =>
          `<tool_call:opensource>${name}<tool_sep:opensource>\n${parameters(
            args,
            (key, value) =>
              `<arg_key:opensource>${key}</arg_key:opensource>\n<arg_value:opensource>${bare(json)(value)}</arg_value:opensource>\n`,
          )}</tool_call:opensource>\n`,
      )}</tool_calls:opensource>`,
  },
  solar: {
    think: (thought) => `<|think|>${thought}<|end|><|begin|>assistant`,
    speak: (text) => `<|content|>${text}<|end|>`,
    between: "<|begin|>assistant",
    call: (calls) =>
      `<|tool_calls|>${each(
        calls,
        ({ name, args }, index) =>
          `<|tool_call:begin|>abcdefgh${index}<|tool_call:name|>${name}<|tool_call:args|>${json(args)}<|tool_call:end|>`,
      )}`,
  },
} satisfies Readonly<Record<string, Dialect>>;

const byTemplate: ReadonlyArray<readonly [RegExp, keyof typeof dialects]> = [
  [/^Apertus/, "apertus"],
  [/Apriel/, "apriel"],
  [/^Bielik|^HuggingFaceTB-SmolLM3|^Qwen-QwQ|^Qwen-Qwen3-|R1-Distill-Llama|rwkv/, "hermesThinking"],
  [/^Reka/, "reka"],
  [/Seed-OSS/, "seed"],
  [/^Cohere2MoE/, "cohere2moe"],
  [/command-r-plus/, "commandRPlus"],
  [/command-r7b/, "commandR7b"],
  [/^GLM-4.6|Laguna-XS/, "glm"],
  [/^GLM-4.7|Laguna-S-/, "glmTight"],
  [/^GigaChat3-/, "gigaChat3"],
  [/^GigaChat3.1/, "gigaChat31"],
  [/^Kimi-K2-Thinking/, "kimiThinking"],
  [/Kimi-K2/, "kimi"],
  [/Kimi-K3/, "kimiK3"],
  [/^LFM2/, "lfm2"],
  [/^MiMo|Hermes|Qwen2.5|gemma-2-|granite-4|Phi-3.5/, "hermes"],
  [/MiniMax-M1/, "minimaxM1"],
  [/MiniMax-M2/, "minimaxM2"],
  [/MiniMax-M3/, "minimaxM3"],
  [/Mistral-Small-3.2/, "mistralIds"],
  [/Nemotron-3/, "nemotron3"],
  [/Nemotron-Nano-v2/, "nemotron2"],
  [/Qwen3-Coder/, "coder"],
  [/Qwen3.5/, "coderPython"],
  [/StepFun/, "stepfun"],
  [/DeepSeek-V3.2/, "deepseekV32"],
  [/DeepSeek-V4/, "deepseekV4"],
  [/llama-cpp-deepseek-r1|R1-Distill-Qwen/, "deepseekR1"],
  [/DeepSeek-V3.1/, "deepseekV31"],
  [/firefunction/, "firefunction"],
  [/gemma-4/, "gemma4"],
  [/granite-3/, "granite3"],
  [/functionary-medium-v3.1/, "functionary31"],
  [/functionary-medium-v3.2/, "functionary32"],
  [/Llama-3\.[123]-/, "llama3"],
  [/Ministral/, "ministral"],
  [/Mistral-Nemo/, "mistralNemo"],
  [/muse/, "muse"],
  [/gpt-oss/, "harmony"],
  [/MiniCPM5/, "miniCpm5"],
  [/Hy3/, "hunyuan"],
  [/Devstral/, "mistralArgs"],
  [/Solar/, "solar"],
];

/** How the model of a published template writes. */
export function dialectOf(file: string): Dialect {
  const name = byTemplate.find(([pattern]) => pattern.test(file))?.[1];
  if (name === undefined) throw new Error(`no answer is written for ${file}`);
  return dialects[name];
}
