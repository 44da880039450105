import type { McpServerEntries, McpServerEntry, SecretText } from "../../config/mcp-servers-file.ts";

/** Shorter values would be found in texts that have nothing to do with them. */
const LEAST_CHARACTERS = 8;

/** The secrets that the operator's file names: given to servers, and taken out of whatever servers say. */
export class Secrets {
  readonly #value: (name: string) => string | undefined;
  /** Names by the values and by their base64. */
  readonly #names = new Map<string, string>();
  readonly #pattern: RegExp | undefined;

  /** `value`: that of an environment variable. */
  constructor(entries: McpServerEntries, value: (name: string) => string | undefined) {
    this.#value = value;
    for (const name of Object.values(entries).flatMap(secretsOf)) {
      const text = value(name);
      if (text === undefined || text.length < LEAST_CHARACTERS) continue;
      this.#names.set(text, name);
      this.#names.set(Buffer.from(text).toString("base64").replace(/=+$/, ""), name);
    }
    // A longer one may begin with a shorter one.
    const texts = [...this.#names.keys()].sort((a, b) => b.length - a.length);
    const escaped = texts.map((text) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&"));
    if (escaped.length > 0) this.#pattern = new RegExp(escaped.join("|"), "g");
  }

  /** @throws Error naming a variable that is not set */
  reveal(texts: Readonly<Record<string, SecretText>>): Record<string, string> {
    const revealed: Record<string, string> = {};
    for (const [name, text] of Object.entries(texts)) {
      const value = typeof text === "string" ? text : this.#value(text.secret);
      if (value === undefined) throw new Error(`${name} needs an environment variable that is not set`);
      revealed[name] = value;
    }
    return revealed;
  }

  /** A text with names in the places of secrets. */
  redact(text: string): string {
    return this.#pattern === undefined
      ? text
      : text.replace(this.#pattern, (found) => `[secret ${this.#names.get(found)}]`);
  }
}

function secretsOf(entry: McpServerEntry): string[] {
  const texts = "command" in entry ? entry.env : entry.headers;
  return Object.values(texts ?? {}).flatMap((text) => (typeof text === "string" ? [] : text.secret));
}
