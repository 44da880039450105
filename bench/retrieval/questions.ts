import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { FoundChunk } from "../../src/features/rag/search/retriever.ts";

/** A question, and the section that answers it: any chunk under that heading counts. */
export interface Question {
  readonly question: string;
  readonly document: string;
  readonly section: string;
}

/** Questions are dealt alternately to a half for tuning and a half for reporting: both are of all documents. */
export type Half = "dev" | "test";

export function readQuestions(): Array<Question & { readonly half: Half }> {
  return readLines<Question>("questions.jsonl").map((question, index) => ({
    ...question,
    half: index % 2 === 0 ? "dev" : "test",
  }));
}

/** Questions that no document answers, some of them near to what the documents are about. */
export function readUnanswerable(): string[] {
  return readLines<{ readonly question: string }>("unanswerable.jsonl").map(({ question }) => question);
}

function readLines<Row>(file: string): Row[] {
  const text = readFileSync(join(import.meta.dirname, file), "utf8");
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Row);
}

export function answers(
  chunk: Pick<FoundChunk, "docId" | "headingPath">,
  { document, section }: Question,
): boolean {
  return chunk.docId === document && chunk.headingPath.some((heading) => plain(heading) === section);
}

/** A heading without its Markdown and HTML. */
function plain(heading: string): string {
  return heading
    .replaceAll(/<[^>]*>/g, "")
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replaceAll(/[`\\]/g, "")
    .replaceAll(/\s+/g, " ")
    .trim();
}
