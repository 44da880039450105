import type { DeclaredTool } from "../../../assistant/formats/call-expressions.ts";
import type { AgentTool } from "../agent.ts";
import type { Item } from "../session/item.ts";
import { ownTool, type ServerTool } from "./server-tool.ts";

const NAME = "tool_search";
/** Tools that one search finds. */
const MAX_FOUND = 5;
/** A word in a tool's name counts as much as so many in its description. */
const OF_NAME = 3;
/** Characters of a description that a search shows; the whole of it is in the prompt then. */
const SHOWN = 200;

interface Offered {
  readonly declared: DeclaredTool;
  readonly isDeferred: boolean;
}

/** What a session has, told or not: the client's functions, and what runs here. */
function offered(agentTools: readonly AgentTool[], serverTools: readonly ServerTool[]): readonly Offered[] {
  const functions = agentTools.flatMap((tool) => {
    if (tool.type !== "function") return [];
    const { name, description, parameters, isDeferred = false } = tool;
    const path = `tools.${name}.parameters`;
    return [{ declared: { name, description, parameters, strict: false, path }, isDeferred }];
  });
  return [...functions, ...serverTools.map(({ declared, isDeferred = false }) => ({ declared, isDeferred }))];
}

const deferredOf = (tools: readonly Offered[]) =>
  tools.filter(({ isDeferred }) => isDeferred).map(({ declared }) => declared);

/** Finds the deferred ones of a session's tools, where its agent has asked for that and there are any. */
export function searchTools(
  agentTools: readonly AgentTool[],
  serverTools: readonly ServerTool[],
): readonly ServerTool[] {
  const deferred = deferredOf(offered(agentTools, serverTools));
  if (deferred.length === 0 || agentTools.every(({ type }) => type !== NAME)) return [];
  const description = `Finds tools by words for what they do. There are ${deferred.length} that you can call once you have found them.`;
  const properties = { query: { type: "string" } };
  return [
    ownTool({ name: NAME, description, properties }, "read", async ({ query }) => {
      const found = foundBy(String(query), deferred);
      if (found.length === 0) return "No tool is found by these words.";
      return found.map(({ name, description: about = "" }) => `${name}: ${about.slice(0, SHOWN)}`).join("\n");
    }),
  ];
}

/**
 * What the model is told of: all that is not deferred, and then what it has found, in the order of its searches, so that
 * the prompt before it stays as it was. Nothing is deferred where it can't be searched for.
 */
export function declaredTools(
  agentTools: readonly AgentTool[],
  serverTools: ReadonlyMap<string, ServerTool>,
  items: readonly Item[],
): readonly DeclaredTool[] {
  const all = offered(agentTools, [...serverTools.values()]);
  if (!serverTools.has(NAME)) return all.map(({ declared }) => declared);
  const deferred = deferredOf(all);
  const found = items.flatMap((item) =>
    item.type === "mcp_call" && item.name === NAME && item.status === "completed"
      ? foundBy(queryOf(item.arguments), deferred)
      : [],
  );
  const atOnce = all.filter(({ isDeferred }) => !isDeferred).map(({ declared }) => declared);
  return [...atOnce, ...new Set(found)];
}

function queryOf(given: string): string {
  const { query } = JSON.parse(given) as { readonly query?: unknown };
  return String(query);
}

/** The best by the words of a query, rare ones above all; of equals the one that comes first. */
function foundBy(query: string, tools: readonly DeclaredTool[]): readonly DeclaredTool[] {
  const texts = tools.map((tool) => ({
    tool,
    name: wordsOf(tool.name),
    rest: wordsOf(`${tool.description ?? ""} ${Object.keys(propertiesOf(tool)).join(" ")}`),
  }));
  const words = [...wordsOf(query)].map((word) => {
    const having = texts.filter(({ name, rest }) => name.has(word) || rest.has(word)).length;
    return { word, weight: Math.log(1 + tools.length / Math.max(1, having)) };
  });
  return texts
    .map(({ tool, name, rest }) => ({
      tool,
      score: words.reduce(
        (sum, { word, weight }) => sum + weight * (OF_NAME * Number(name.has(word)) + Number(rest.has(word))),
        0,
      ),
    }))
    .filter(({ score }) => score > 0)
    .toSorted((a, b) => b.score - a.score)
    .slice(0, MAX_FOUND)
    .map(({ tool }) => tool);
}

/** `getFileInfo` and `get_file_info` have the same words; a plural has its singular's. */
function wordsOf(text: string): ReadonlySet<string> {
  const words = text
    .replace(/(\p{Ll})(\p{Lu})/gu, "$1 $2")
    .toLowerCase()
    .match(/[\p{L}\p{N}]+/gu);
  return new Set((words ?? []).map((word) => (word.length > 3 ? word.replace(/s$/, "") : word)));
}

function propertiesOf({ parameters }: DeclaredTool): object {
  const { properties } = parameters as { readonly properties?: unknown };
  return typeof properties === "object" && properties !== null ? properties : {};
}
