import type { Queries } from "../../../platform/store/database.ts";
import { type IndexRecord, partition } from "../index/index-record.ts";
import { searchableText } from "../words.ts";

/** Maximum number of chunks scored; the rarest words of a question choose them. */
const CANDIDATES = 2_000;
/** Words of a question that are looked for, the rarest; a pasted document has tens of thousands, each scored in each chunk. */
const MAX_WORDS = 256;
/**
 * Share of the best chunk's score that a chunk must have. In a fusion by ranks the second place counts nearly as much
 * as the first, even where it only shares a common word with the question and the first has the rare one.
 */
const WORTH = 0.5;
/** ts_rank's weights of its four classes of words: all are of one. */
const WEIGHTS = "{1,1,1,1}";
/** ts_rank's normalization: divide by 1 + the logarithm of the length. */
const NORMALIZATION = 1;

/** A word of a question as the index spells it. */
export interface SearchWord {
  readonly word: string;
  /** How significant it is: the logarithm of how rare it is (BM25's inverse document frequency). */
  readonly weight: number;
  /** Chunks that have it, about. */
  readonly chunks: number;
}

/** The words of a question by which chunks can be told apart: stemmed, without the language's fillers; rarest first. */
export async function searchWords(
  queries: Queries,
  index: IndexRecord,
  language: string,
  question: string,
): Promise<SearchWord[]> {
  const rows = await queries.query<{ word: string; share: number }>(
    `SELECT lexeme AS word, coalesce(share, 0) AS share
     FROM unnest(to_tsvector($1::regconfig, $2)) LEFT JOIN ${partition("words", index.indexId)} ON word = lexeme`,
    [language, searchableText(question)],
  );
  return rows
    .map(({ word, share }) => {
      const chunks = Math.max(1, share * index.chunks);
      return { word, chunks, weight: Math.log(1 + (index.chunks - chunks + 0.5) / (chunks + 0.5)) };
    })
    .sort((a, b) => b.weight - a.weight || (a.word < b.word ? -1 : 1))
    .slice(0, MAX_WORDS);
}

/**
 * Chunks that have any of the words, best first: the sum over words of rarity times how often and where the word
 * stands (BM25's shape, with ts_rank as its saturating count).
 */
export async function searchLexically(
  queries: Queries,
  index: IndexRecord,
  words: readonly SearchWord[],
  limit: number,
): Promise<number[]> {
  if (words.length === 0) return [];
  const rows = await queries.query<{ ordinal: number; score: number }>(
    `SELECT ordinal, sum(asked.weight * ts_rank('${WEIGHTS}', words, asked.term, ${NORMALIZATION})) AS score
     FROM (SELECT ordinal, words FROM ${partition("chunks", index.indexId)} WHERE words @@ $1::tsquery LIMIT ${CANDIDATES * 2}) AS chunk,
       json_to_recordset($2::json) AS asked(term tsquery, weight real)
     GROUP BY ordinal
     ORDER BY score DESC, ordinal
     LIMIT $3`,
    [choosing(words).map(quoted).join(" | "), JSON.stringify(asked(words)), limit],
  );
  const best = rows[0]?.score ?? 0;
  return rows.filter(({ score }) => score >= WORTH * best).map(({ ordinal }) => ordinal);
}

/** The rarest words, as many as together choose no more chunks than are to be scored; one at least. */
function choosing(words: readonly SearchWord[]): SearchWord[] {
  let chunks = 0;
  return words.filter((word, index) => {
    chunks += word.chunks;
    return index === 0 || chunks <= CANDIDATES;
  });
}

/** What the scoring of chunks in SQL needs of each word. */
export function asked(words: readonly SearchWord[]) {
  return words.map((word) => ({ term: quoted(word), weight: word.weight }));
}

/** A word in tsquery's syntax, whatever characters it has. */
function quoted({ word }: SearchWord): string {
  return `'${word.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
}
