/** How each API asks for thoughts, and where it tells them. */
import { modelOf } from "./template-server.ts";

export interface Wish {
  readonly model: string;
  readonly prompt?: string;
  /** What the API has for it: a level, a switch, a budget. */
  readonly reasoning?: object;
  readonly stop?: string;
  readonly maxTokens?: number;
  readonly schema?: object;
  readonly mustCall?: true;
}

export interface Told {
  readonly thought: string;
  readonly text: string;
  readonly call: unknown;
  /** `stop`, `length` or `call`, whatever the API's word. */
  readonly ended: string;
  readonly reasoningTokens?: number | undefined;
}

export const parameters = {
  type: "object",
  properties: { colour: { enum: ["red", "blue"] } },
  required: ["colour"],
  additionalProperties: false,
};
/** The answer of `path` to `body`, which must be a 200. */
type Post = <T>(path: string, body: object) => Promise<T>;

type Ask = (post: Post, wish: Wish) => Promise<Told>;

const chat: Ask = async (post, { model, prompt = "Hi", reasoning, stop, maxTokens, schema, mustCall }) => {
  const { choices, usage } = await post<{
    choices: [
      {
        finish_reason: string;
        message: {
          content: string | null;
          reasoning_content?: string;
          tool_calls?: [{ function: { arguments: string } }];
        };
      },
    ];
    usage: { completion_tokens_details: { reasoning_tokens: number } };
  }>("/v1/chat/completions", {
    model: modelOf(model),
    messages: [{ role: "user", content: prompt }],
    ...reasoning,
    ...(stop !== undefined && { stop }),
    ...(maxTokens !== undefined && { max_tokens: maxTokens }),
    ...(schema !== undefined && {
      response_format: { type: "json_schema", json_schema: { name: "answer", schema, strict: true } },
    }),
    ...(mustCall && {
      tools: [{ type: "function", function: { name: "look", parameters } }],
      tool_choice: "required",
    }),
  });
  const [{ message, finish_reason: reason }] = choices;
  return {
    thought: message.reasoning_content ?? "",
    text: message.content ?? "",
    call: message.tool_calls && JSON.parse(message.tool_calls[0].function.arguments),
    ended: reason === "tool_calls" ? "call" : reason,
    reasoningTokens: usage.completion_tokens_details.reasoning_tokens,
  };
};

interface Item {
  readonly type: string;
  readonly content?: ReadonlyArray<{ readonly text: string }>;
  readonly arguments?: string;
}

const responses: Ask = async (
  post,
  { model, prompt = "Hi", reasoning, stop, maxTokens, schema, mustCall },
) => {
  const { output, status, usage } = await post<{
    output: readonly Item[];
    status: string;
    usage: { output_tokens_details: { reasoning_tokens: number } };
  }>("/v1/responses", {
    model: modelOf(model),
    input: prompt,
    ...reasoning,
    ...(stop !== undefined && { stop }),
    ...(maxTokens !== undefined && { max_output_tokens: maxTokens }),
    ...(schema !== undefined && {
      text: { format: { type: "json_schema", name: "answer", schema, strict: true } },
    }),
    ...(mustCall && { tools: [{ type: "function", name: "look", parameters }], tool_choice: "required" }),
  });
  const item = (type: string) => output.find((candidate) => candidate.type === type);
  const textOf = (type: string) =>
    item(type)
      ?.content?.map(({ text }) => text)
      .join("") ?? "";
  const called = item("function_call")?.arguments;
  return {
    thought: textOf("reasoning"),
    text: textOf("message"),
    call: called === undefined ? undefined : JSON.parse(called),
    ended: called !== undefined ? "call" : status === "incomplete" ? "length" : "stop",
    reasoningTokens: usage.output_tokens_details.reasoning_tokens,
  };
};

const messages: Ask = async (
  post,
  { model, prompt = "Hi", reasoning, stop, maxTokens = 1000, schema, mustCall },
) => {
  const { effort, ...rest } = (reasoning ?? {}) as { readonly effort?: string };
  const { content, stop_reason: reason } = await post<{
    content: ReadonlyArray<{ type: string; thinking?: string; text?: string; input?: unknown }>;
    stop_reason: string;
  }>("/v1/messages", {
    model: modelOf(model),
    max_tokens: maxTokens,
    messages: [{ role: "user", content: prompt }],
    ...rest,
    output_config: { effort, ...(schema !== undefined && { format: { type: "json_schema", schema } }) },
    ...(stop !== undefined && { stop_sequences: [stop] }),
    ...(mustCall && { tools: [{ name: "look", input_schema: parameters }], tool_choice: { type: "any" } }),
  });
  const words: Record<string, string> = { max_tokens: "length", tool_use: "call" };
  return {
    thought: content.map(({ thinking = "" }) => thinking).join(""),
    text: content.map(({ text = "" }) => text).join(""),
    call: content.find(({ type }) => type === "tool_use")?.input,
    ended: words[reason] ?? "stop",
  };
};

/** Without a way to insist on a call. */
const ollama: Ask = async (post, { model, prompt = "Hi", reasoning, stop, maxTokens, schema, mustCall }) => {
  const { message, done_reason: reason } = await post<{
    message: { content: string; thinking?: string; tool_calls?: [{ function: { arguments: unknown } }] };
    done_reason: string;
  }>("/api/chat", {
    model: modelOf(model),
    messages: [{ role: "user", content: prompt }],
    stream: false,
    ...reasoning,
    options: {
      ...(stop !== undefined && { stop: [stop] }),
      ...(maxTokens !== undefined && { num_predict: maxTokens }),
    },
    ...(schema !== undefined && { format: schema }),
    ...(mustCall && { tools: [{ type: "function", function: { name: "look", parameters } }] }),
  });
  return {
    thought: message.thinking ?? "",
    text: message.content,
    call: message.tool_calls?.[0].function.arguments,
    ended: message.tool_calls === undefined ? reason : "call",
  };
};

/** An API's own words for a level, the switch, and a budget where it has them. */
export interface Api {
  readonly ask: Ask;
  readonly levels: ReadonlyArray<{ readonly level: string; readonly reasoning: object }>;
  readonly off: readonly object[];
  readonly on: readonly object[];
  readonly budget: ((tokens: number) => object) | undefined;
}

export const apis: Readonly<Record<string, Api>> = {
  "chat completions": {
    ask: chat,
    levels: ["minimal", "low", "medium", "high", "xhigh"].map((level) => ({
      level: level,
      reasoning: { reasoning_effort: level },
    })),
    off: [
      { reasoning_effort: "none" },
      { chat_template_kwargs: { enable_thinking: false } },
      { reasoning_effort: "high", chat_template_kwargs: { enable_thinking: false } },
    ],
    on: [{}, { reasoning_effort: "medium" }, { chat_template_kwargs: { enable_thinking: true } }],
    budget: (tokens: number) => ({ thinking_budget: tokens }),
  },
  responses: {
    ask: responses,
    levels: ["minimal", "low", "medium", "high", "xhigh"].map((effort) => ({
      level: effort,
      reasoning: { reasoning: { effort } },
    })),
    off: [{ reasoning: { effort: "none" } }],
    on: [{}, { reasoning: { effort: "low" } }, { reasoning: { summary: "auto" } }],
    budget: undefined,
  },
  messages: {
    ask: messages,
    levels: ["low", "medium", "high", "max"].map((effort) => ({ level: effort, reasoning: { effort } })),
    off: [{ thinking: { type: "disabled" } }],
    on: [{}, { thinking: { type: "enabled", budget_tokens: 1024 } }, { thinking: { type: "adaptive" } }],
    budget: (tokens: number) => ({ thinking: { type: "enabled", budget_tokens: tokens } }),
  },
  Ollama: {
    ask: ollama,
    levels: ["low", "medium", "high"].map((level) => ({ level: level, reasoning: { think: level } })),
    off: [{ think: false }],
    on: [{}, { think: true }],
    budget: undefined,
  },
};
