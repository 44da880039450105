import { requestBody } from "./answer-stream.ts";
import { branch, type Conversation, titleOf } from "./conversation.ts";

export const exportFormats = ["markdown", "json", "curl"] as const;
export type ExportFormat = (typeof exportFormats)[number];

interface Exported {
  readonly fileName: string;
  readonly mediaType: string;
  readonly text: string;
}

/** The conversation as a file: the branch that is shown to read, everything as JSON, or the last request to repeat. */
export function exported(conversation: Conversation, format: ExportFormat, origin: string): Exported {
  const name =
    titleOf(conversation)
      .replace(/[^\p{L}\p{N}]+/gu, "-")
      .replace(/^-|-$/g, "")
      .slice(0, 40) || "chat";
  switch (format) {
    case "markdown":
      return { fileName: `${name}.md`, mediaType: "text/markdown", text: markdown(conversation) };
    case "json":
      return {
        fileName: `${name}.json`,
        mediaType: "application/json",
        text: `${JSON.stringify(conversation, null, 2)}\n`,
      };
    case "curl":
      return { fileName: `${name}.sh`, mediaType: "text/plain", text: curl(conversation, origin) };
  }
}

const names = { user: "User", assistant: "Assistant", tool: "Tools" } as const;

function markdown(conversation: Conversation): string {
  const { system } = conversation;
  const turns = branch(conversation.turns, conversation.headId).map(
    ({ role, text, account, toolCalls = [], results = [] }) => {
      const usage = account?.usage;
      const cost =
        usage == null
          ? ""
          : `\n\n*${usage.prompt_tokens} prompt tokens, ${usage.completion_tokens} new, request ${account?.requestId}*`;
      const said = [
        text,
        ...toolCalls.map((call) => `Calls \`${call.name}\` with \`${call.arguments}\``),
        ...results.map(({ name, content }) => `\`${name}\` gave: ${content}`),
      ];
      return `## ${names[role]}\n\n${said.filter((part) => part !== "").join("\n\n")}${cost}\n`;
    },
  );
  const head = system.trim() === "" ? [] : [`## System\n\n${system}\n`];
  return [`# ${titleOf(conversation)}\n`, ...head, ...turns].join("\n");
}

/** The command that asks the last question of the branch again. The key stays a variable: it is not known here. */
function curl(conversation: Conversation, origin: string): string {
  const turns = branch(conversation.turns, conversation.headId);
  const last = turns.findLastIndex(({ role }) => role !== "assistant");
  const body = JSON.stringify(requestBody(conversation, turns.slice(0, last + 1)), null, 2);
  return [
    `curl ${origin}/v1/chat/completions \\`,
    `  -H "x-api-key: $API_KEY" -H 'content-type: application/json' \\`,
    `  -d '${body.replaceAll("'", `'\\''`)}'`,
    "",
  ].join("\n");
}
