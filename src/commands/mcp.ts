import { once } from "node:events";
import { createInterface } from "node:readline";
import { McpBridge } from "./mcp/bridge.ts";

const usage = `Usage: node src/main.ts mcp [--url http://localhost:8000]

Speaks the Model Context Protocol on standard input and output, for programs that start their MCP servers themselves,
and passes it on to a server that runs: the one at PORT on this machine, or at --url. API_KEY is the server's.`;

export interface McpSettings {
  readonly port: number;
  readonly apiKey: string;
}

/** @returns the exit code */
export async function mcp(args: readonly string[], { port, apiKey }: McpSettings): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    console.log(usage);
    return 0;
  }
  const url = args.length === 0 ? `http://127.0.0.1:${port}` : urlIn(args);
  if (url === undefined) {
    console.error(usage);
    return 2;
  }
  const bridge = new McpBridge({
    url,
    apiKey,
    write: (line) => process.stdout.write(`${line}\n`),
  });
  const lines = createInterface({ input: process.stdin });
  lines.on("line", (line) => bridge.take(line));
  await once(lines, "close");
  await bridge.close();
  return 0;
}

function urlIn([option, url, ...rest]: readonly string[]): string | undefined {
  const isUrl = option === "--url" && rest.length === 0 && url !== undefined && /^https?:\/\//.test(url);
  return isUrl ? url.replace(/\/+$/, "") : undefined;
}
