import { randomBytes } from "node:crypto";

/** An id of OpenAI's form: `chatcmpl-…`. */
export function newId(prefix: string): string {
  return prefix + randomBytes(15).toString("hex");
}

/** Whole seconds since 1970, as in `created`. */
export function unixSeconds(): number {
  return Math.floor(Date.now() / 1000);
}
