import { randomBytes } from "node:crypto";

/** An id of the form that OpenAI's have: `chatcmpl-…`. */
export function newId(prefix: string): string {
  return prefix + randomBytes(15).toString("hex");
}
