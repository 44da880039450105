import { InvalidRequestError } from "../errors.ts";
import { assertShallow } from "../platform/json-depth.ts";
import { isWellFormed, NOT_WELL_FORMED, toWellFormed } from "../platform/schema/well-formed.ts";
import type { Note } from "./notes.ts";

export type Part = Readonly<Record<string, unknown>>;

/** What a model of text can't read, by the types that clients give its parts. */
const notText: Readonly<Record<string, string>> = {
  image_url: "images",
  input_image: "images",
  image: "images",
  input_audio: "audio",
  audio: "audio",
  file: "files",
  input_file: "files",
  document: "files",
  container_upload: "files",
  video_url: "videos",
};

export interface Reading {
  /**
   * What becomes of an image or a file: in a question it is refused, since the answer would be about something else;
   * within a history that a client can't change, as a tool's result, a word says that it was there.
   */
  readonly media: "refused" | "noted";
  readonly notes: Note[];
}

/**
 * Text of a message's content: as it is, or its parts, a line each. Histories are the clients' and dirty, so nothing and
 * `null` are an empty text, and parts of types unknown here are read as far as they hold text.
 * @throws InvalidRequestError naming a part that is neither
 */
export function textOf(content: unknown, path: string, reading: Reading): string {
  if (content === undefined || content === null) return "";
  if (Array.isArray(content))
    return content
      .map((part, index) => partText(part, `${path}[${index}]`, reading))
      .filter((text) => text !== "")
      .join("\n");
  return partText(content, path, reading);
}

/** Text of one part. @throws InvalidRequestError naming it */
export function partText(part: unknown, path: string, reading: Reading): string {
  if (part === undefined || part === null) return "";
  if (typeof part === "string") return cleaned(part, path, reading.notes);
  if (typeof part !== "object") return String(part);
  if (Array.isArray(part)) return textOf(part, path, reading);
  const { type, text, refusal, content, source, title, url, tool_name: tool } = part as Part;
  if (typeof text === "string") return cleaned(text, `${path}.text`, reading.notes);
  if (typeof refusal === "string") return cleaned(refusal, `${path}.refusal`, reading.notes);
  const document = documentText(source, path, reading);
  if (document !== undefined) return [title, document].filter((line) => typeof line === "string").join("\n");
  const kind = notText[String(type)];
  if (kind !== undefined) return withoutMedia(String(type), kind, path, reading);
  if (content !== undefined && content !== null) {
    const heading = [title, source].filter((line) => typeof line === "string");
    return [...heading, textOf(content, `${path}.content`, reading)].join("\n");
  }
  if (typeof title === "string" || typeof url === "string")
    return [title, url].filter((line) => typeof line === "string").join(" ");
  if (typeof tool === "string") return tool;
  reading.notes.push({
    param: path,
    reason: `a part of type ${String(type).slice(0, 50)} without text is left out`,
  });
  return "";
}

/** Text of a document that holds some: Anthropic's plain text, or its list of blocks. */
function documentText(source: unknown, path: string, reading: Reading): string | undefined {
  if (source === null || typeof source !== "object") return undefined;
  const { type, media_type: media, data, content } = source as Part;
  if (type === "text" && typeof data === "string") return cleaned(data, `${path}.source.data`, reading.notes);
  if (type === "base64" && media === "text/plain" && typeof data === "string")
    return cleaned(Buffer.from(data, "base64").toString("utf8"), `${path}.source.data`, reading.notes);
  if (type === "content") return textOf(content, `${path}.source.content`, reading);
  return undefined;
}

function withoutMedia(type: string, kind: string, path: string, { media, notes }: Reading): string {
  if (media === "refused") throw invalid(`${path}.type`, `is ${type}, and the served model reads no ${kind}`);
  notes.push({ param: path, reason: `the served model reads no ${kind}: a note stands in its place` });
  return `[${type} left out: this model reads no ${kind}]`;
}

/** Lone surrogates and NULs, which no tokenizer takes, as the character that stands for what can't be shown. */
function cleaned(text: string, path: string, notes: Note[]): string {
  if (isWellFormed(text)) return text;
  notes.push({ param: path, reason: "lone surrogates and NUL characters are replaced by U+FFFD" });
  return toWellFormed(text);
}

/** A name or an id of a history; clients leave some out. */
export function fieldText(part: Part, field: string, path: string, notes: Note[]): string {
  const value = part[field];
  return value === undefined || value === null ? "" : cleaned(String(value), `${path}.${field}`, notes);
}

/**
 * Arguments of an earlier call as JSON text of an object, whatever a client made of them: the object itself, text that
 * was cut by a limit of tokens, nothing at all.
 */
export function argumentsText(value: unknown, path: string, notes: Note[]): string {
  // Text within a text is not part of the body whose depth was checked.
  if (typeof value === "string") assertShallow(Buffer.from(value), path);
  const parsed = typeof value === "string" ? parsedArguments(value) : value;
  if (parsed !== null && typeof parsed === "object" && !Array.isArray(parsed)) return JSON.stringify(parsed);
  if (value === undefined || value === null || value === "") return "{}";
  notes.push({
    param: path,
    reason: "arguments that are not a JSON object are given to the model as one text",
  });
  return JSON.stringify({ arguments: typeof value === "string" ? value.toWellFormed() : value });
}

/** Arguments of a call; undefined where a limit of tokens, or a client, cut them. */
export function parsedArguments(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** @throws InvalidRequestError naming `param` where a text can't be taken as it is */
export function requireWellFormed(text: string, param: string): string {
  if (!isWellFormed(text)) throw invalid(param, NOT_WELL_FORMED);
  return text;
}

export function invalid(param: string, problem: string): InvalidRequestError {
  return new InvalidRequestError(`${param} ${problem}`, { param });
}
