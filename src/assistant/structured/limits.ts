import { InvalidRequestError } from "../../errors.ts";

/** Bytes of JSON, nested levels, and values in all lists: past them a schema is refused before anything walks it. */
const SCHEMA_LIMITS = { bytes: 512 * 1024, depth: 256 } as const;

/** @throws InvalidRequestError naming the limit */
export function assertBounded(schema: unknown, path: string): void {
  let bytes = 0;
  const stack: Array<{ readonly value: unknown; readonly depth: number }> = [{ value: schema, depth: 1 }];
  const refuse = (why: string) => new InvalidRequestError(`${path} ${why}.`, { param: path });
  for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
    const { value, depth } = entry;
    if (depth > SCHEMA_LIMITS.depth) throw refuse(`is nested deeper than ${SCHEMA_LIMITS.depth} levels`);
    bytes += typeof value === "string" ? value.length + 2 : 4;
    if (value !== null && typeof value === "object") {
      for (const [key, item] of Object.entries(value)) {
        if (!Array.isArray(value)) bytes += key.length + 3;
        stack.push({ value: item, depth: depth + 1 });
      }
    }
    if (bytes > SCHEMA_LIMITS.bytes) throw refuse(`is larger than ${SCHEMA_LIMITS.bytes} bytes`);
  }
}
