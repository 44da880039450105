import { ApiError } from "../../../errors.ts";
import { invalid, requireWellFormed } from "../../content.ts";

/** OpenAI's limits of one request. */
export const MAX_INPUTS = 2048;
export const MAX_REQUEST_TOKENS = 300_000;

/** What a request wants embedded: texts, or lists of the model's own tokens. */
export type EmbeddingInput =
  | { readonly type: "texts"; readonly texts: readonly string[] }
  | { readonly type: "tokens"; readonly lists: ReadonlyArray<readonly number[]> };

/** @throws InvalidRequestError naming the entry at fault */
export function readInput(input: string | readonly unknown[]): EmbeddingInput {
  if (typeof input === "string") return { type: "texts", texts: [checkedText(input, "input")] };
  if (input.every(isToken)) return { type: "tokens", lists: [input] };
  if (input.length > MAX_INPUTS) throw invalid("input", `must have at most ${MAX_INPUTS} entries`);
  if (Array.isArray(input[0])) {
    return {
      type: "tokens",
      lists: input.map((entry, index) => {
        if (Array.isArray(entry) && entry.length > 0 && entry.every(isToken)) return entry;
        throw invalid(`input[${index}]`, "must be a list of token ids, as input[0] is");
      }),
    };
  }
  return { type: "texts", texts: input.map((entry, index) => checkedText(entry, `input[${index}]`)) };
}

function checkedText(text: unknown, path: string): string {
  if (typeof text !== "string") throw invalid(path, "must be a string");
  if (text === "") throw invalid(path, "must not be empty");
  return requireWellFormed(text, path);
}

function isToken(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 31;
}

/** Lets an embedder's error name the field that the client used. */
export function naming(error: unknown, input: string | readonly unknown[]): unknown {
  if (!(error instanceof ApiError) || typeof error.details?.["index"] !== "number") return error;
  const isOne = typeof input === "string" || input.every(isToken);
  const { code, message, details } = error;
  return new ApiError(code, message, {
    param: isOne ? "input" : `input[${details["index"]}]`,
    details,
    cause: error,
  });
}
