import { InvalidRequestError } from "../errors.ts";

const notText: Readonly<Record<string, string>> = {
  image_url: "images",
  input_image: "images",
  image: "images",
  input_audio: "audio",
  file: "files",
  input_file: "files",
  document: "files",
};

const textTypes = new Set(["text", "input_text", "output_text"]);

/** Text of a message's content: as it is, or its parts put together. @throws InvalidRequestError naming the part */
export function textOf(content: unknown, path: string): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) throw invalid(path, "must be a string or a list of parts");
  return content.map((part, index) => partText(part, `${path}[${index}]`)).join("");
}

/** Text of one part. @throws InvalidRequestError naming it */
export function partText(part: unknown, path: string): string {
  if (part === null || typeof part !== "object") throw invalid(path, "must be an object with a type");
  const { type, text, refusal } = part as Readonly<Record<string, unknown>>;
  if (textTypes.has(String(type))) return wellFormed(text, `${path}.text`);
  if (type === "refusal") return wellFormed(refusal, `${path}.refusal`);
  const kind = notText[String(type)];
  if (kind !== undefined) throw invalid(`${path}.type`, `is ${type}, and the served model reads no ${kind}`);
  throw invalid(`${path}.type`, "must be text");
}

function wellFormed(text: unknown, path: string): string {
  if (typeof text !== "string") throw invalid(path, "must be a string");
  if (!text.isWellFormed() || text.includes("\0"))
    throw invalid(path, "must be well-formed Unicode text without NUL characters");
  return text;
}

export function invalid(param: string, problem: string): InvalidRequestError {
  return new InvalidRequestError(`${param} ${problem}`, { param });
}
