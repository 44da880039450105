import type { Part } from "../../content.ts";

/** A call of a server's tool that a person was asked about. */
export interface AskedCall {
  readonly requestId: string;
  readonly label: string;
  readonly name: string;
  /** JSON text. */
  readonly arguments: string;
}

export interface ResolvedItems {
  readonly history: readonly unknown[];
  readonly input: readonly unknown[];
  /** Calls that may run now, and have not yet. */
  readonly approved: readonly AskedCall[];
}

const DENIED = "A person denied the call. It was not run.";

/**
 * Brings together questions whether calls may run and their answers, wherever they stand. What is denied becomes a call
 * with that as its result, in the place of the answer; what is approved is run once, however often it is sent again.
 */
export function resolveApprovals(history: readonly unknown[], input: readonly unknown[]): ResolvedItems {
  const parts = [...history, ...input].filter(isPart);
  const asked = new Map<unknown, AskedCall>();
  for (const part of parts)
    if (part["type"] === "mcp_approval_request")
      asked.set(part["id"], {
        requestId: String(part["id"]),
        label: String(part["server_label"]),
        name: String(part["name"]),
        arguments: String(part["arguments"]),
      });
  const made = new Set(
    parts.flatMap((part) => (part["type"] === "mcp_call" ? [part["approval_request_id"]] : [])),
  );
  const approved: AskedCall[] = [];
  const resolve = (item: unknown): unknown => {
    if (!isPart(item) || item["type"] !== "mcp_approval_response") return item;
    const call = asked.get(item["approval_request_id"]);
    if (call === undefined || made.has(call.requestId)) return item;
    made.add(call.requestId);
    if (item["approve"] !== true) return callItem(call, { output: null, error: DENIED });
    approved.push(call);
    return item;
  };
  return { history: history.map(resolve), input: input.map(resolve), approved };
}

/** A call with what came of it, in the form of OpenAI's API. */
export function callItem(
  {
    requestId,
    label,
    name,
    arguments: given,
  }: Omit<AskedCall, "requestId"> & { readonly requestId: string | null },
  { output, error }: { readonly output: string | null; readonly error: string | null },
  id?: string,
) {
  return {
    ...(id !== undefined && { id }),
    type: "mcp_call" as const,
    approval_request_id: requestId,
    server_label: label,
    name,
    arguments: given,
    output,
    error,
    status: error === null ? ("completed" as const) : ("failed" as const),
  };
}

function isPart(item: unknown): item is Part {
  return typeof item === "object" && item !== null;
}
