/**
 * Requests of real clients, as public bug reports and recordings have them: what each is about, the smallest body, and the
 * fields whose not being honoured the answer tells. `model`, limits and `stream` are added by the test.
 */
export interface RealRequest {
  readonly about: string;
  readonly url: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly noted?: readonly string[];
}

const user = (content: unknown) => ({ role: "user", content });
const assistant = (content: unknown) => ({ role: "assistant", content });
const hi = [user("hi")];
const schema = { type: "object", properties: { word: { type: "string" } }, required: ["word"] };
const tool = {
  type: "function",
  function: { name: "lookup", description: "Look a word up", parameters: schema },
};

const chat = (about: string, body: object, noted?: readonly string[]): RealRequest => ({
  about,
  url: "/v1/chat/completions",
  body: { messages: hi, ...body },
  ...(noted && { noted }),
});
const messages = (about: string, body: object, noted?: readonly string[]): RealRequest => ({
  about,
  url: "/v1/messages",
  body: { messages: hi, ...body },
  ...(noted && { noted }),
});
const responses = (about: string, body: object, noted?: readonly string[]): RealRequest => ({
  about,
  url: "/v1/responses",
  body: { input: "hi", ...body },
  ...(noted && { noted }),
});

/** An assistant's call whose arguments are as a client made them, and its result. */
const called = (args: unknown, result: unknown = "a result") => [
  user("Q"),
  {
    role: "assistant",
    content: null,
    tool_calls: [{ id: "c1", type: "function", function: { name: "lookup", arguments: args } }],
  },
  { role: "tool", tool_call_id: "c1", content: result },
];
const image = { type: "image", source: { type: "base64", media_type: "image/png", data: "AAAA" } };
const toolTurn = (content: unknown) => [
  user("Q"),
  assistant([{ type: "tool_use", id: "t1", name: "lookup", input: { word: "yu" } }]),
  user([{ type: "tool_result", tool_use_id: "t1", content }]),
];

export const realRequests: readonly RealRequest[] = [
  // Claude Code.
  messages("adaptive thinking", { thinking: { type: "adaptive", display: "omitted" } }),
  messages("thinking with a budget", { thinking: { type: "enabled", budget_tokens: 4000 } }),
  messages(
    "context edits",
    { context_management: { edits: [{ type: "clear_thinking_20251015", keep: "all" }] } },
    ["context_management.edits"],
  ),
  messages("no context edits", { context_management: { edits: [] } }),
  ...["low", "medium", "high", "xhigh", "max"].map((effort) =>
    messages(`effort ${effort}`, { output_config: { effort } }),
  ),
  messages("a system message in the middle", {
    messages: [user("hi"), { role: "system", content: "x" }, user("go on")],
  }),
  messages("a system message at the end", {
    messages: [user("hi"), { role: "system", content: [{ type: "text", text: "x" }] }],
  }),
  messages("a hosted tool", { tools: [{ type: "web_search_20250305", name: "web_search" }] }, ["tools[0]"]),
  messages("a deferred tool", { tools: [{ name: "later", input_schema: schema, defer_loading: true }] }),
  messages("a tool without a schema", { tools: [{ name: "now" }] }),
  messages("no servers of tools", { mcp_servers: [] }),
  messages(
    "a container, a place, a tier",
    { container: "c", inference_geo: "us", service_tier: "priority" },
    ["container", "inference_geo", "service_tier"],
  ),
  // Codex.
  responses(
    "hosted tools",
    { tools: [{ type: "web_search" }, { type: "image_generation" }, { type: "local_shell" }] },
    ["tools[0]", "tools[1]", "tools[2]"],
  ),
  responses("a namespace of tools", {
    tools: [
      {
        type: "namespace",
        name: "multi_agent_v1",
        tools: [
          {
            type: "function",
            name: "close_agent",
            strict: false,
            parameters: { type: "object", properties: {} },
          },
        ],
      },
    ],
  }),
  responses("a custom tool", {
    tools: [
      {
        type: "custom",
        name: "apply_patch",
        format: { type: "grammar", syntax: "lark", definition: "start: x" },
      },
    ],
  }),
  responses("reasoning and its summary", { reasoning: { effort: "medium", summary: "detailed" } }),
  responses("verbosity", { text: { verbosity: "low" } }, ["text.verbosity"]),
  responses("truncation", { truncation: "auto" }, ["truncation"]),
  responses("unknown includes", { include: ["web_search_call.action.sources"] }, ["include"]),
  responses("a limit of hosted calls", { max_tool_calls: 5 }, []),
  responses("metadata of the client", { client_metadata: { a: "b" }, prompt_cache_key: "k", store: false }),
  // OpenAI's chat.
  ...["minimal", "low", "medium", "high", "xhigh"].map((effort) =>
    chat(`reasoning effort ${effort}`, { reasoning_effort: effort }),
  ),
  chat("verbosity", { verbosity: "low" }, ["verbosity"]),
  chat("a web search", { web_search_options: {} }, ["web_search_options"]),
  chat("a tier", { service_tier: "flex" }, ["service_tier"]),
  chat("hosted tools", { tools: [{ type: "web_search" }, tool] }, ["tools[0]"]),
  chat("usage asked for without a stream", { stream_options: { include_usage: true } }),
  chat("no model", { model: undefined }),
  chat("the older functions", { functions: [tool.function], function_call: "none" }),
  // More tokens than the window has: the window ends the answer.
  chat("the default limit of opencode", { max_tokens: 32_000 }),
  chat("the limit of a large model", { max_completion_tokens: 64_000 }),
  messages("the default limit of Claude Code", { max_tokens: 32_000 }),
  messages("the default limit of Anthropic's examples", { max_tokens: 1024 }),
  responses("a limit over the window", { max_output_tokens: 128_000 }),
  chat("a switch of the template's", { chat_template_kwargs: { enable_thinking: false } }),
  // Histories.
  chat("an assistant's null", { messages: [user("Q"), assistant(null), user("R")] }),
  chat("an assistant without content", { messages: [user("Q"), { role: "assistant" }, user("R")] }),
  chat("an empty list of parts", { messages: [user("Q"), assistant([]), user("R")] }),
  ...['{"word": "yu', "", null, "[]", "5", { word: "yu" }, undefined].map((args) =>
    chat(`arguments ${JSON.stringify(args)}`, { messages: called(args), tools: [tool] }),
  ),
  ...[
    null,
    undefined,
    [
      { type: "text", text: "a" },
      { type: "text", text: "b" },
    ],
    { any: "thing" },
  ].map((result) => chat(`a result ${JSON.stringify(result)}`, { messages: called("{}", result) })),
  chat("calls and results without ids or types", {
    messages: [
      user("Q"),
      { role: "assistant", tool_calls: [{ function: { name: "lookup", arguments: "{}" } }] },
      { role: "tool", content: "x" },
    ],
  }),
  chat("a function's result of old", {
    messages: [
      user("Q"),
      { role: "assistant", content: null, function_call: { name: "lookup", arguments: "{}" } },
      { role: "function", name: "lookup", content: "x" },
    ],
  }),
  chat("calls of a user", {
    messages: [{ ...user("Q"), tool_calls: [{ id: "x", function: { name: "f", arguments: "{}" } }] }],
  }),
  chat("roles that don't alternate", { messages: [assistant("A"), assistant("B"), user("C"), user("D")] }),
  chat("two system messages and one in the middle", {
    messages: [
      { role: "system", content: "A" },
      { role: "developer", content: "B" },
      user("hi"),
      { role: "system", content: "C" },
      user("x"),
    ],
  }),
  chat("a lone surrogate and a NUL", { messages: [user("a\ud800b\u0000c")] }, ["messages[0].content"]),
  chat("a part of an unknown type with text", {
    messages: [
      user([
        { type: "thought", text: "x" },
        { type: "text", text: "y" },
      ]),
    ],
  }),
  chat(
    "a part of an unknown type without",
    { messages: [user("x"), assistant([{ type: "odd" }]), user("y")] },
    ["messages[1].content[0]"],
  ),
  chat(
    "an image in an earlier result",
    { messages: [...called("{}", [{ type: "image_url", image_url: { url: "x" } }]), user("y")] },
    ["messages[2].content[0]"],
  ),
  chat("text where parts belong", { messages: [user(["a", "b"])] }),
  chat("an answer to go on with", {
    messages: [user("Q"), assistant("1.")],
    continue_final_message: true,
    add_generation_prompt: false,
  }),
  chat("a trailing assistant message", { messages: [user("Q"), assistant("1.")] }),
  messages("an answer to go on with", { messages: [user("List three"), assistant("1.")] }),
  messages("empty, null and missing contents", {
    messages: [user("x"), assistant([]), user(null), { role: "assistant" }, user("")],
  }),
  messages("an image in a result", { messages: toolTurn([image]) }, ["messages[2].content[0].content[0]"]),
  messages("references in a result", {
    messages: toolTurn([{ type: "tool_reference", tool_name: "later" }]),
  }),
  messages("found passages in a result", {
    messages: toolTurn([
      {
        type: "search_result",
        title: "T",
        source: "https://example.org",
        content: [{ type: "text", text: "found" }],
      },
    ]),
  }),
  messages("a document of text", {
    messages: [
      user([
        {
          type: "document",
          title: "T",
          source: { type: "text", media_type: "text/plain", data: "the text" },
        },
      ]),
    ],
  }),
  messages("no result", { messages: toolTurn(undefined) }),
  messages("ids and inputs that are missing", {
    messages: [
      user("Q"),
      assistant([{ type: "tool_use", name: "lookup" }]),
      user([{ type: "tool_result", content: "x" }]),
    ],
  }),
  messages(
    "encrypted thoughts",
    {
      messages: [
        user("Q"),
        assistant([
          { type: "redacted_thinking", data: "x" },
          { type: "thinking", thinking: "t", signature: "s" },
          { type: "text", text: "A" },
        ]),
        user("R"),
      ],
    },
    ["messages[1].content[0]"],
  ),
  messages("thoughts, and a search on the other side", {
    messages: [
      user("Q"),
      assistant([
        { type: "thinking", thinking: "t", signature: "s" },
        { type: "redacted_thinking", data: "x" },
        { type: "server_tool_use", id: "s1", name: "web_search", input: { query: "q" } },
        {
          type: "web_search_tool_result",
          tool_use_id: "s1",
          content: [
            { type: "web_search_result", title: "T", url: "https://example.org", encrypted_content: "x" },
          ],
        },
        { type: "text", text: "A" },
      ]),
      user("R"),
    ],
  }),
  messages("system as blocks, one of them Claude Code's own", {
    system: [
      { type: "text", text: "x-anthropic-billing-header: cc_version=2.1.332; cch=0aaa1;" },
      { type: "text", text: "Be brief.", cache_control: { type: "ephemeral" } },
    ],
  }),
  responses("a patch of old", {
    input: [
      user("Q"),
      { type: "custom_tool_call", call_id: "c", name: "apply_patch", input: "x" },
      { type: "custom_tool_call_output", call_id: "c", output: "done" },
    ],
  }),
  responses("a shell of old", {
    input: [
      user("Q"),
      { type: "local_shell_call", call_id: "c", action: { type: "exec", command: ["ls"] } },
      { type: "local_shell_call_output", call_id: "c", output: "a b" },
      { type: "shell_call", call_id: "d", action: { commands: ["ls"] } },
      {
        type: "shell_call_output",
        call_id: "d",
        output: [{ stdout: "a", stderr: "", outcome: { type: "exit", exit_code: 0 } }],
      },
    ],
  }),
  responses(
    "encrypted reasoning, and a compacted history",
    {
      input: [
        user("Q"),
        { type: "compaction", id: "c", encrypted_content: "x" },
        { type: "reasoning", id: "r", summary: [], encrypted_content: "x" },
        { type: "function_call", call_id: "c", name: "lookup", arguments: "{}" },
        { type: "function_call_output", call_id: "c", output: "y" },
      ],
    },
    ["input[1]", "input[2]"],
  ),
  responses("reasoning of every form", {
    input: [
      user("Q"),
      { type: "reasoning", id: "r", summary: [], encrypted_content: "x" },
      {
        type: "reasoning",
        summary: [{ type: "summary_text", text: "s" }],
        content: [{ type: "reasoning_text", text: "t" }],
      },
      { type: "reasoning", summary: [], content: null },
      {
        type: "message",
        role: "assistant",
        content: [{ type: "output_text", text: "A", annotations: [] }],
        status: "completed",
      },
      user("R"),
    ],
  }),
  responses("items of unknown types", {
    input: [
      user("Q"),
      { type: "web_search_call", id: "w", status: "completed", action: {} },
      { type: "future_item", content: "text of it" },
    ],
  }),
  responses("a result as parts, an image among them", {
    input: [
      user("Q"),
      { type: "function_call", call_id: "c", name: "lookup", arguments: "{" },
      {
        type: "function_call_output",
        call_id: "c",
        output: [
          { type: "input_text", text: "a" },
          { type: "input_image", image_url: "x" },
        ],
      },
    ],
  }),
  responses("null contents", { input: [user(null), { role: "assistant", content: null }, user("x")] }),
];
