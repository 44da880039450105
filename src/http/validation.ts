import type { FastifyError } from "fastify";
import { InvalidRequestError } from "../errors.ts";
import { isWellFormed, NOT_WELL_FORMED } from "../platform/schema/well-formed.ts";

export type Issue = NonNullable<FastifyError["validation"]>[number];

/** Formats of string fields, beyond JSON Schema's own. */
export const formats = {
  /** Unicode that every tokenizer and database takes: no lone surrogate, no NUL. */
  text: isWellFormed,
};

const formatMessages: Readonly<Record<string, string>> = {
  text: NOT_WELL_FORMED,
};

/** More issues than this would not help, and could make the answer larger than the request. */
const MAX_LISTED = 20;

/** Validation failures as one error that names the first field and lists them. */
export function describeValidation(issues: readonly Issue[], context: string): InvalidRequestError {
  const errors = issues
    .filter(({ keyword }) => keyword !== "if" && keyword !== "anyOf")
    .slice(0, MAX_LISTED)
    .map((issue) => ({ path: pathOf(issue), message: messageOf(issue) }));
  const first = errors[0];
  if (first === undefined) return new InvalidRequestError(`The ${context} is invalid.`);
  const param = fieldName(first.path);
  const subject = param ?? (context === "body" ? "The body" : `The ${context}`);
  return new InvalidRequestError(`${subject} ${first.message}`, {
    ...(param !== undefined && { param }),
    details: { errors },
  });
}

/** JSON pointer of the field at fault; for a missing or unknown one, of the field itself and not of its parent. */
function pathOf(issue: Issue): string {
  const missing = issue.params["missingProperty"] ?? issue.params["additionalProperty"];
  return typeof missing === "string" ? `${issue.instancePath}/${missing}` : issue.instancePath || "/";
}

function messageOf(issue: Issue): string {
  const { keyword, params, message } = issue;
  switch (keyword) {
    case "required":
      return "is required";
    case "additionalProperties":
      return "is not known";
    case "format":
      return formatMessages[String(params["format"])] ?? message ?? "has the wrong format";
    case "pattern":
      return params["pattern"] === "\\S"
        ? "must not be empty or only white space"
        : (message ?? "has the wrong form");
    case "minLength":
      return `must have at least ${count(params["limit"], "character")}`;
    case "maxLength":
      return `must have at most ${count(params["limit"], "character")}`;
    case "minItems":
      return `must have at least ${count(params["limit"], "item")}`;
    case "maxItems":
      return `must have at most ${count(params["limit"], "item")}`;
    case "uniqueItems":
      return "must not have the same item twice";
    case "enum":
      return `must be one of ${(params["allowedValues"] as unknown[]).map(String).join(", ")}`;
    case "type":
      return `must be ${article(String(params["type"]))}`;
    default:
      return message ?? "is invalid";
  }
}

function count(limit: unknown, noun: string): string {
  return `${limit} ${noun}${limit === 1 ? "" : "s"}`;
}

/** `integer,null`, as the validator lists types, reads `an integer or null`. */
function article(types: string): string {
  if (types === "object") return "a JSON object";
  return `${/^[aeiou]/.test(types) ? "an" : "a"} ${types.replaceAll(",", " or ")}`;
}

/** `/messages/2/content` as clients write it: `messages[2].content`. */
function fieldName(pointer: string): string | undefined {
  const steps = pointer.split("/").filter((step) => step !== "");
  if (steps.length === 0) return undefined;
  return steps
    .map((step, index) => (/^\d+$/.test(step) ? `[${step}]` : index === 0 ? step : `.${step}`))
    .join("");
}
