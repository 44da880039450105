import type { DeclaredTool } from "../../assistant/formats/call-expressions.ts";

/** A tool that takes text and no JSON: the model writes `{"input": …}`, and the client gets the text. */
export interface CustomTool {
  /** By which the model calls it. */
  readonly name: string;
  readonly description: string | null | undefined;
  /** The grammar of its text: described to the model, whose answer is not held to it. */
  readonly syntax: unknown;
  /** Where it was declared. */
  readonly path: string;
}

const parameters = {
  type: "object",
  properties: { input: { type: "string" } },
  required: ["input"],
  additionalProperties: false,
};

/** A custom tool as the function that the model sees. */
export function declareCustom({ name, description, syntax, path }: CustomTool): DeclaredTool {
  const told = [description, syntax].filter((text) => typeof text === "string" && text !== "").join("\n\n");
  return { name, ...(told !== "" && { description: told }), parameters, strict: false, path };
}

/** Whole characters and escapes of a JSON string, up to its closing quote. */
const wholePart = /^(?:[^"\\]|\\[^u]|\\u[0-9a-fA-F]{4})*/;

/** Reads a custom tool's text out of the JSON of its argument, as that streams. */
export class CustomInput {
  #pending = "";
  #isWithin = false;
  /** The first half of a character that was written as two escapes. */
  #half = "";

  /** @returns the text that `json` completes */
  push(json: string): string {
    this.#pending += json;
    if (!this.#isWithin) {
      const before = /^\s*\{\s*"input"\s*:\s*"/.exec(this.#pending)?.[0];
      if (before === undefined) return "";
      this.#pending = this.#pending.slice(before.length);
      this.#isWithin = true;
    }
    const whole = wholePart.exec(this.#pending)?.[0] ?? "";
    // The closing quote stays: nothing after it is read.
    this.#pending = this.#pending.slice(whole.length);
    const text = this.#half + (JSON.parse(`"${whole}"`) as string);
    this.#half = /[\ud800-\udbff]$/.exec(text)?.[0] ?? "";
    return text.slice(0, text.length - this.#half.length);
  }
}

/** The text of a custom call, also of one that was cut. */
export function customInput(json: string): string {
  return new CustomInput().push(json);
}
