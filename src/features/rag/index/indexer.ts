import { setTimeout as delay } from "node:timers/promises";
import { ApiError, UnavailableError } from "../../../errors.ts";
import type { Embedder } from "../../../inference/embedder.ts";
import type { Log } from "../../../platform/log.ts";
import type { Database } from "../../../platform/store/database.ts";
import type { Corpora, Corpus, CorpusDocument } from "../corpus.ts";
import {
  addChunks,
  addGraph,
  addVectors,
  type BuildStep,
  chunksToEmbed,
  claim,
  IndexTaken,
  summarize,
} from "./building.ts";
import { chunksOf, embeddingInputs } from "./document-chunks.ts";
import { type IndexRecord, isMadeWith } from "./index-record.ts";
import { createIndex, dropOrphans, failIndex, indexesOf, publishIndex } from "./indexes.ts";
import { chunkingFor, type RetrievalSettings, recipeFor } from "./recipe.ts";

/** Smaller indexes are searched exactly, in the time that a graph would take or not much more. */
const GRAPH_FROM_CHUNKS = 10_000;
/** Chunks that are embedded, and then stored, at a time. */
const EMBEDDING_BATCH = 16;
const DOCUMENTS_PER_PAGE = 20;
/** Stored steps after which an index makes way for the next corpus that waits. */
const STEPS_PER_TURN = 32;
/** Documents are stored together until they have this many chunks. */
const CHUNKS_PER_COMMIT = 200;
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 30_000;
/** When to look again at an index that another server is building. */
const OTHERS_MS = 30_000;

export interface IndexerOptions {
  readonly database: () => Promise<Database>;
  readonly corpora: Corpora;
  readonly embedder: Embedder;
  readonly settings: RetrievalSettings;
  /** Tells servers on one database apart; the same after a restart where there can only be one. */
  readonly builder: string;
  /** Indexes of fewer chunks are searched exactly. */
  readonly graphFromChunks?: number;
  readonly log: Pick<Log, "info" | "warn">;
}

/** This corpus has used its turn, and others are waiting. */
class TurnOver extends Error {
  override readonly name = "TurnOver";
}

/**
 * Builds indexes in the background, one corpus at a time, in steps that are each stored whole. Corpora take turns: a small
 * one does not wait for all of a large one. After a crash it resumes where it was. An index is served only once it is
 * complete.
 */
export class Indexer {
  readonly #options: IndexerOptions;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #waiting = new Set<string>();
  readonly #stopped = new AbortController();
  #current: { readonly datasetId: string; readonly cancelled: AbortController } | undefined;
  #running: Promise<void> | undefined;
  /** Steps of this turn. */
  #steps = 0;

  constructor(options: IndexerOptions) {
    this.#options = options;
  }

  /** Looks for corpora that lack an index of today's recipe, and for what deleted ones left behind. */
  async resume(): Promise<void> {
    const database = await this.#options.database();
    await dropOrphans(database);
    for (const { datasetId } of await this.#options.corpora.list()) this.add(datasetId);
  }

  /** A corpus to index; one whose index is there already costs a look. */
  add(datasetId: string): void {
    if (this.#stopped.signal.aborted) return;
    this.#waiting.add(datasetId);
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  /** The corpus is gone: ends what is being built of it, and clears its tables away. */
  async remove(datasetId: string): Promise<void> {
    this.#waiting.delete(datasetId);
    if (this.#current?.datasetId === datasetId) this.#current.cancelled.abort();
    await dropOrphans(await this.#options.database());
  }

  /** Resolves when nothing is left to index. */
  async idle(): Promise<void> {
    await this.#running;
  }

  /** Ends after the step that is running. */
  async close(): Promise<void> {
    this.#stopped.abort();
    for (const timer of this.#timers) clearTimeout(timer);
    await this.#running;
  }

  async #run(): Promise<void> {
    for (const datasetId of this.#waiting) {
      if (this.#stopped.signal.aborted) return;
      this.#waiting.delete(datasetId);
      const cancelled = new AbortController();
      this.#steps = 0;
      this.#current = { datasetId, cancelled };
      const signal = AbortSignal.any([cancelled.signal, this.#stopped.signal]);
      await this.#index(datasetId, signal);
      this.#current = undefined;
    }
  }

  /** Tries until the index is ready, has failed permanently, is gone, is built by another server, or has had its turn. */
  async #index(datasetId: string, signal: AbortSignal): Promise<void> {
    const { log } = this.#options;
    for (let retryMs = FIRST_RETRY_MS; !signal.aborted; retryMs = Math.min(2 * retryMs, LAST_RETRY_MS)) {
      try {
        return await this.#build(datasetId, signal);
      } catch (error) {
        if (signal.aborted || isGone(error)) return;
        if (error instanceof IndexTaken) return this.#addLater(datasetId);
        if (error instanceof TurnOver) return this.add(datasetId);
        const { message } = error as Error;
        log.warn(`indexing of ${datasetId} stopped: ${message}`);
        const isOver = !(error instanceof UnavailableError) && (await this.#fail(datasetId, message));
        if (isOver) return;
        await delay(retryMs, undefined, { signal }).catch(() => {});
      }
    }
  }

  /** @throws TurnOver */
  #endStep(): void {
    if (++this.#steps >= STEPS_PER_TURN && this.#waiting.size > 0) throw new TurnOver();
  }

  #addLater(datasetId: string): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.add(datasetId);
    }, OTHERS_MS);
    this.#timers.add(timer.unref());
  }

  async #build(datasetId: string, signal: AbortSignal): Promise<void> {
    const { corpora, embedder, settings, log } = this.#options;
    const database = await this.#options.database();
    const corpus = await corpora.require(datasetId, "dataset_id");
    const recipe = recipeFor(embedder, settings);
    await createIndex(database, corpus, recipe);
    const indexes = await indexesOf(database, datasetId);
    const found = indexes.find((candidate) => isMadeWith(candidate, recipe));
    if (found === undefined) return;
    if (found.status !== "ready") {
      if (!(await claim(database, found, this.#options.builder))) throw new IndexTaken();
      const chunked = await this.#chunk(database, corpus, found, signal);
      if (chunked.embeddedChunks === 0) await summarize(this.#step(database, chunked));
      const complete = await this.#embed(database, await this.#withGraph(database, chunked), signal);
      await publishIndex(database, complete);
      log.info(`indexed ${datasetId}: ${complete.chunks} chunks`);
    } else if (indexes.length > 1) await publishIndex(database, found);
  }

  async #chunk(
    database: Database,
    { datasetId }: Corpus,
    started: IndexRecord,
    signal: AbortSignal,
  ): Promise<IndexRecord> {
    const { corpora, embedder, settings } = this.#options;
    const options = chunkingFor(embedder, settings);
    let index = started;
    while (index.chunkedRecords < index.records) {
      const page = await corpora.documents(datasetId, index.chunkedRecords, DOCUMENTS_PER_PAGE);
      if (page.length === 0) throw new IndexTaken();
      let open: CorpusDocument[] = [];
      let chunks: Awaited<ReturnType<typeof chunksOf>> = [];
      for (const document of page) {
        signal.throwIfAborted();
        chunks = [...chunks, ...(await chunksOf(document, options, embedder))];
        open = [...open, document];
        if (chunks.length < CHUNKS_PER_COMMIT && document !== page.at(-1)) continue;
        const added = { records: open.length, chunks, language: settings.language };
        index = await addChunks(this.#step(database, index), added);
        open = [];
        chunks = [];
        this.#endStep();
      }
    }
    return index;
  }

  #step(database: Database, index: IndexRecord): BuildStep {
    return { database, index, builder: this.#options.builder };
  }

  async #withGraph(database: Database, index: IndexRecord): Promise<IndexRecord> {
    const { graphFromChunks = GRAPH_FROM_CHUNKS } = this.#options;
    const needsGraph = index.chunks >= graphFromChunks && !index.hasGraph;
    return needsGraph ? addGraph(this.#step(database, index)) : index;
  }

  /** Stores one batch while the next one is embedded. */
  async #embed(database: Database, started: IndexRecord, signal: AbortSignal): Promise<IndexRecord> {
    const { embedder } = this.#options;
    const vectorsFrom = async (ordinal: number) => {
      const chunks = await chunksToEmbed(database, started, ordinal, EMBEDDING_BATCH);
      const inputs = await embeddingInputs(chunks, embedder);
      const { vectors } = await embedder.embed(inputs, { signal, purpose: "document" });
      return vectors;
    };
    let index = started;
    let next = vectorsFrom(index.embeddedChunks);
    while (index.embeddedChunks < index.chunks) {
      const vectors = await next;
      if (vectors.length === 0) throw new IndexTaken();
      next = vectorsFrom(index.embeddedChunks + vectors.length);
      // Thrown where it is awaited, or not at all when this step fails first.
      next.catch(() => {});
      index = await addVectors(this.#step(database, index), vectors);
      this.#endStep();
    }
    await next;
    return index;
  }

  /** Notes why the index can't be built. @returns false when that could not be stored either */
  async #fail(datasetId: string, message: string): Promise<boolean> {
    const { embedder, settings, log } = this.#options;
    const recipe = recipeFor(embedder, settings);
    try {
      const database = await this.#options.database();
      const index = (await indexesOf(database, datasetId)).find((candidate) => isMadeWith(candidate, recipe));
      if (index !== undefined) await failIndex(database, index, message);
      return true;
    } catch (error) {
      log.warn(`the failure of ${datasetId} could not be stored: ${(error as Error).message}`);
      return false;
    }
  }
}

/** The dataset was deleted meanwhile. */
function isGone(error: unknown): boolean {
  return error instanceof ApiError && error.code === "not_found";
}
