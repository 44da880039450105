import type { FastifyRequest } from "fastify";
import type { TObject } from "typebox";

/**
 * Gives query parameters the types that their schema asks for: a URL knows only text, and bodies are checked without
 * conversion. What does not read as its type stays text, for validation to refuse.
 */
export function convertQuery(request: FastifyRequest): void {
  const schema = request.routeOptions.schema?.querystring as TObject | undefined;
  const query = request.query as Record<string, unknown>;
  for (const [name, property] of Object.entries(schema?.properties ?? {})) {
    const text = query[name];
    if (typeof text === "string" && "type" in property) query[name] = convert(text, property.type);
  }
}

function convert(text: string, type: unknown): unknown {
  if (type === "boolean" && /^(true|false)$/.test(text)) return text === "true";
  if ((type === "integer" || type === "number") && /^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  return text;
}
