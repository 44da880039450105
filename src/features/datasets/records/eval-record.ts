import type { EvalData, JsonObject } from "../dataset.ts";
import { isObject, optionalObject, optionalText, optionalTexts, requiredText } from "./fields.ts";

const MAX_TEXT = 200_000;

/** `{"input": {"prompt"}, "reference"?: {"answer"}, …}`, or in short `{"prompt", "reference"?}`; one form comes out. */
export function readEvalRecord(record: JsonObject): EvalData {
  const context = readContext(record["context"]);
  const tags = optionalTexts(record["tags"], "/tags", { items: 64, length: 100 });
  const expected = optionalObject(record["expected"], "/expected");
  const metadata = optionalObject(record["metadata"], "/metadata");
  const reference = readReference(record["reference"]);
  return {
    input: readInput(record),
    ...(reference !== undefined && { reference }),
    ...(context !== undefined && { context }),
    ...(tags !== undefined && { tags }),
    ...(expected !== undefined && { expected }),
    ...(metadata !== undefined && { metadata }),
  };
}

function readInput(record: JsonObject): EvalData["input"] {
  const input = record["input"] ?? undefined;
  if (input === undefined && "prompt" in record)
    return { prompt: requiredText(record["prompt"], "/prompt", MAX_TEXT) };
  const fields = optionalObject(input, "/input") ?? {};
  return { ...fields, prompt: requiredText(fields["prompt"], "/input/prompt", MAX_TEXT) };
}

function readReference(reference: unknown): EvalData["reference"] {
  if (!isObject(reference)) {
    const answer = optionalText(reference, "/reference", MAX_TEXT);
    return answer === undefined ? undefined : { answer };
  }
  return { ...reference, answer: requiredText(reference["answer"], "/reference/answer", MAX_TEXT) };
}

function readContext(context: unknown): string | readonly string[] | undefined {
  return Array.isArray(context)
    ? optionalTexts(context, "/context", { items: 1000, length: MAX_TEXT })
    : optionalText(context, "/context", MAX_TEXT);
}
