import { InvalidRequestError } from "../../../errors.ts";
import { RecordProblem } from "./problem.ts";

const MAX_DEPTH = 64;

/**
 * The same value with its texts in NFC: what looks the same is the same.
 * @throws RecordProblem `invalid_encoding` for text that neither a database nor a tokenizer takes (NUL, lone
 * surrogates), `value_out_of_range` for what is nested too deep
 */
export function normalize(value: unknown, path = "", depth = 0): unknown {
  if (typeof value === "string") return normalizeText(value, path);
  if (typeof value !== "object" || value === null) return value;
  if (depth === MAX_DEPTH)
    throw new RecordProblem("value_out_of_range", path, `is nested more than ${MAX_DEPTH} levels deep`);
  if (Array.isArray(value)) return value.map((item, index) => normalize(item, `${path}/${index}`, depth + 1));
  // From entries, because a key called __proto__ is a key like any other.
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      normalizeText(key, path),
      normalize(item, `${path}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`, depth + 1),
    ]),
  );
}

function normalizeText(text: string, path: string): string {
  if (text.includes("\0"))
    throw new RecordProblem("invalid_encoding", path, "must not contain NUL characters");
  if (!text.isWellFormed())
    throw new RecordProblem(
      "invalid_encoding",
      path,
      "must be well-formed Unicode (it has a lone surrogate)",
    );
  return text.normalize("NFC");
}

/**
 * `normalize` for what is said of a dataset as a whole.
 * @throws InvalidRequestError naming `param`
 */
export function normalizeField(value: unknown, param: string): unknown {
  try {
    return normalize(value);
  } catch (error) {
    if (error instanceof RecordProblem)
      throw new InvalidRequestError(`${param}${error.path} ${error.message}`, { param });
    throw error;
  }
}
