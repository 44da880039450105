import type { Embedder } from "../../embeddings/embedder.ts";
import { type ChunkingOptions, chunkDocument } from "../chunking/chunker.ts";
import type { CorpusDocument } from "../corpus.ts";
import { searchableText } from "../words.ts";
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

/**
 * What is embedded of each chunk: its text under the headings that it does not spell out itself. Outer headings are
 * left out where the model takes no more.
 */
export async function embeddingInputs(
  chunks: ReadonlyArray<{ readonly headingPath: readonly string[]; readonly text: string }>,
  embedder: Embedder,
): Promise<string[]> {
  const paths = chunks.map(({ headingPath, text }) =>
    headingPath.filter((heading) => !text.includes(heading)),
  );
  for (;;) {
    const inputs = chunks.map(({ text }, index) => [...(paths[index] ?? []), text].join("\n"));
    const counts = await embedder.countTokens(inputs);
    let isFitting = true;
    for (const [index, path] of paths.entries()) {
      if ((counts[index] ?? 0) <= embedder.maxTokens || path.length === 0) continue;
      path.shift();
      isFitting = false;
    }
    if (isFitting) return inputs;
  }
}
