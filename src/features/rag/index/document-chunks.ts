import type { Embedder } from "../../../inference/embedder.ts";
import { type ChunkingOptions, chunkDocument } from "../chunking/chunker.ts";
import type { CorpusDocument } from "../corpus.ts";
import { readableText, searchableText } from "../words.ts";
import type { NewChunk } from "./building.ts";

/** The chunks of a document as an index keeps them: under its title, with their words. */
export async function chunksOf(
  document: CorpusDocument,
  options: ChunkingOptions,
  embedder: Embedder,
): Promise<NewChunk[]> {
  const chunks = await chunkDocument(document.text, options, (texts) => embedder.countTokens(texts));
  return chunks.map(({ start, end, text, headingPath }) => {
    const { title } = document;
    const path = title === undefined || headingPath[0] === title ? headingPath : [title, ...headingPath];
    return {
      docId: document.docId,
      start,
      end,
      headingPath: path,
      text,
      searchable: searchableText([...path, text].join("\n")),
    };
  });
}

/** What is embedded of each chunk: its text without markup, or as it is where that would be too long for the model. */
export async function embeddingInputs(
  chunks: ReadonlyArray<{ readonly text: string }>,
  embedder: Embedder,
): Promise<string[]> {
  const inputs = chunks.map(({ text }) => readableText(text));
  const counts = await embedder.countTokens(inputs);
  return chunks.map(({ text }, index) =>
    (counts[index] ?? 0) <= embedder.maxTokens ? (inputs[index] ?? text) : text,
  );
}
