import type { CallToolResult } from "@modelcontextprotocol/client";

/** What a model reads of a tool's result: its texts, and of other contents what they are. */
export function resultText({ content, structuredContent }: CallToolResult): string {
  const texts = content.map((part) => {
    switch (part.type) {
      case "text":
        return part.text;
      case "image":
      case "audio":
        return `[${part.mimeType}, ${Math.floor((part.data.length * 3) / 4)} bytes]`;
      case "resource_link":
        return `[${part.name}: ${part.uri}]`;
      case "resource":
        return "text" in part.resource ? part.resource.text : `[${part.resource.uri}]`;
      default:
        return part satisfies never;
    }
  });
  const text = texts.join("\n");
  return text === "" && structuredContent !== undefined ? JSON.stringify(structuredContent) : text;
}
