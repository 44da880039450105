import { InvalidRequestError } from "../../../errors.ts";
import { toWellFormed } from "../../../platform/schema/well-formed.ts";
import type { Queries, Store } from "../../../platform/store/database.ts";
import { ownTool, type ServerTool } from "./server-tool.ts";

/** Characters of one output that are kept. */
const MAX_KEPT = 4 * 2 ** 20;
/** Share of what the model is given that is the output's beginning. */
const HEAD = 0.7;
/** Share of the context window that one output may take. */
const OF_WINDOW = 0.25;

export interface OutputLimit {
  readonly maxTokens: number;
  readonly contextWindow: number;
  readonly countTokens: (text: string) => Promise<number>;
  /** Says how to read on from a character on, where that is possible. */
  readonly readOn?: (offset: number) => string;
}

/** Tokens that one output may have. */
function mostTokens({ maxTokens, contextWindow }: Pick<OutputLimit, "maxTokens" | "contextWindow">): number {
  return Math.max(16, Math.min(maxTokens, Math.floor(OF_WINDOW * contextWindow)));
}

/** Whether an output is so short that its tokens need no counting: a token is at least a byte. */
export function isShort(text: string, limit: Pick<OutputLimit, "maxTokens" | "contextWindow">): boolean {
  return Buffer.byteLength(text) <= mostTokens(limit);
}

/** A text as the model is given it: of one that is too long the beginning and the end. */
export async function capped(
  text: string,
  limit: OutputLimit,
): Promise<{ readonly text: string; readonly isCut: boolean }> {
  if (isShort(text, limit)) return { text, isCut: false };
  const { countTokens, readOn = () => "" } = limit;
  const most = mostTokens(limit);
  // Enough to know how many characters a token has here.
  const sample = text.slice(0, 32 * most);
  const tokens = await countTokens(sample);
  if (sample.length === text.length && tokens <= most) return { text, isCut: false };
  const characters = Math.floor((most * sample.length) / Math.max(1, tokens));
  const head = wellFormed(text.slice(0, Math.floor(HEAD * characters)));
  const tail = wellFormed(text.slice(text.length - Math.floor((1 - HEAD) * characters)));
  const left = text.length - head.length - tail.length;
  const note = `[… ${left} characters left out${readOn(head.length)} …]`;
  return { text: `${head}\n${note}\n${tail}`, isCut: true };
}

function wellFormed(text: string): string {
  return text.replace(/^[\udc00-\udfff]/, "").replace(/[\ud800-\udbff]$/, "");
}

/** As much of an output as is kept, as a database takes it. */
export function keepable(text: string): string {
  return toWellFormed(text.slice(0, MAX_KEPT));
}

/** The SQL of outputs that were too long for the model. */
export async function hasOutputs(queries: Queries, sessionId: string): Promise<boolean> {
  const rows = await queries.query("SELECT 1 FROM agent_outputs WHERE session_id = $1 LIMIT 1", [sessionId]);
  return rows.length > 0;
}

/** Characters of an output from `offset` on, of which there are `length` in all. */
export async function readOutput(
  queries: Queries,
  sessionId: string,
  callId: string,
  { offset, limit }: { readonly offset: number; readonly limit: number },
): Promise<{ readonly text: string; readonly length: number } | undefined> {
  const [row] = await queries.query<{ text: string; length: number }>(
    `SELECT substr(output, $3 + 1, $4) AS text, length(output) AS length FROM agent_outputs
     WHERE session_id = $1 AND call_id = $2`,
    [sessionId, callId, offset, limit],
  );
  return row;
}

/** Reads on in an output that was too long. */
export function readOutputTool(store: Store, sessionId: string, limit: number): ServerTool {
  return ownTool(
    {
      name: "read_output",
      description: "Reads on in the output of an earlier call, from a character on.",
      properties: { call_id: { type: "string" }, offset: { type: "integer", minimum: 0 } },
    },
    "read",
    async ({ call_id: callId, offset }) => {
      const place = { offset: Number(offset), limit };
      const found = await readOutput(await store.database(), sessionId, String(callId), place);
      if (found === undefined) throw new InvalidRequestError("There is no such output.");
      const end = place.offset + found.text.length;
      return end < found.length
        ? `${found.text}\n[… ${found.length - end} characters more, from offset ${end} on …]`
        : found.text;
    },
  );
}
