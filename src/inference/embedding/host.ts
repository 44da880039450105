import { ApiError } from "../../errors.ts";
import type { Clock } from "../../platform/clock.ts";
import { type LogLine, loadLlama } from "../llama/bindings.ts";
import { computeThreads } from "../machine/cpu-limit.ts";
import { readMachineLoad } from "../machine/machine-load.ts";
import { ProcessorWait } from "../machine/processor-wait.ts";
import { ThreadGovernor } from "../machine/thread-governor.ts";
import { GgufNetwork } from "./gguf-network.ts";
import type { EmbeddingNetwork } from "./network.ts";
import type { EmbedderNews, EmbeddingOptions, LoadedEmbedder } from "./protocol.ts";
import { SentenceNetwork } from "./sentence-network.ts";

/** A request whose texts are not all computed yet. */
interface Waiting {
  readonly id: number;
  readonly texts: readonly Int32Array[];
  readonly vectors: Float32Array;
  /** Texts that are done. */
  done: number;
}

/** Everything an embedding process holds: the network, and the requests that wait for it. */
export class EmbeddingHost {
  readonly #network: EmbeddingNetwork;
  readonly #governor: ThreadGovernor | undefined;
  readonly #processorWait: ProcessorWait;
  #threads: number;
  readonly #clock: Clock;
  /** In turn: a request that got texts into a batch goes behind the others. */
  readonly #waiting: Waiting[] = [];
  readonly description: LoadedEmbedder;

  /** Loads the model; synchronous. @throws LlamaError */
  constructor(
    options: EmbeddingOptions,
    clock: Clock,
    onProgress: (fraction: number) => void,
    onLog: (line: LogLine) => void,
  ) {
    const startedAt = clock();
    const { libraryDirectory, network } = options;
    this.#clock = clock;
    const threads = computeThreads(options.threads);
    this.#governor = options.threads === 0 ? new ThreadGovernor(threads, readMachineLoad) : undefined;
    this.#threads = threads;
    const llama = loadLlama(libraryDirectory);
    this.#network =
      network.kind === "gguf"
        ? new GgufNetwork(llama, { ...network, threads }, onProgress, onLog)
        : new SentenceNetwork(llama, threads);
    this.#processorWait = new ProcessorWait({ clock, computing: () => this.#threads });
    const { space, dimensions, maxTokens } = this.#network;
    this.description = { space, dimensions, maxTokens, loadMs: clock() - startedAt };
  }

  get hasWork(): boolean {
    return this.#waiting.length > 0;
  }

  /** @throws ApiError `context_length_exceeded` with the index of a text that is too long */
  embed(id: number, texts: readonly string[]): void {
    this.#add(id, texts, "A text has", (text) => this.#network.tokenize(text));
  }

  /** @throws ApiError `context_length_exceeded` with the index of a text that is too long beside the query */
  rank(id: number, query: string, texts: readonly string[]): void {
    const network = this.#network;
    if (network.tokenizePair === undefined) throw new Error("this model does not rank");
    this.#add(
      id,
      texts,
      "The query and a document together have",
      (text) => network.tokenizePair?.(query, text) ?? new Int32Array(),
    );
  }

  #add(id: number, texts: readonly string[], subject: string, tokenize: (text: string) => Int32Array): void {
    const { maxTokens } = this.#network;
    const tokenized = texts.map((text, index) => {
      const fewest = this.#network.atLeast(text);
      if (fewest > maxTokens) throw tooLong(`${subject} at least`, index, fewest, maxTokens);
      const tokens = tokenize(text);
      if (tokens.length > maxTokens) throw tooLong(subject, index, tokens.length, maxTokens);
      return tokens;
    });
    const vectors = new Float32Array(texts.length * this.#network.dimensions);
    this.#waiting.push({ id, texts: tokenized, vectors, done: 0 });
  }

  cancel(id: number): void {
    const index = this.#waiting.findIndex((request) => request.id === id);
    if (index >= 0) this.#waiting.splice(index, 1);
  }

  /** Tokens of each text; at least, where it is hopelessly over the window. */
  count(texts: readonly string[]): number[] {
    return texts.map((text) => {
      const fewest = this.#network.atLeast(text);
      return fewest > this.#network.maxTokens ? fewest : this.#network.tokenize(text).length;
    });
  }

  /** @throws InvalidRequestError with the index of what can't be turned into text */
  detokenize(lists: ReadonlyArray<readonly number[]>): string[] {
    return lists.map((tokens, index) => {
      try {
        return this.#network.detokenize(tokens);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        throw new ApiError(error.code, error.message, { details: { index }, cause: error });
      }
    });
  }

  /** Computes one batch, with as many threads as the machine gives now; returns the requests it completed. */
  step(): EmbedderNews[] {
    this.watchMachine();
    const batch = this.#planBatch();
    const texts = batch.map(({ request, index }) => request.texts[index] as Int32Array);
    const startedAt = this.#clock();
    this.#processorWait.begin();
    const vectors = this.#network.encode(texts);
    const now = this.#clock();
    const { longestMs: waitedMs } = this.#processorWait.end();
    const work = texts.reduce((sum, { length }) => sum + length, 0);
    this.#governor?.observe(now, { ms: now - startedAt, work, waitedMs });
    for (const [row, { request, index }] of batch.entries())
      request.vectors.set(vectors[row] as Float32Array, index * this.#network.dimensions);
    const completed = this.#waiting.filter(({ done, texts }) => done === texts.length);
    for (const { id } of completed) this.cancel(id);
    return completed.map(({ id, texts, vectors: all }) => ({
      type: "embedded",
      id,
      vectors: all,
      tokens: texts.map(({ length }) => length),
    }));
  }

  /** Lets the thread count follow the machine; while no steps run it must be called by a timer. */
  watchMachine(): void {
    if (this.#governor === undefined) return;
    this.#governor.look(this.#clock());
    const { threads } = this.#governor;
    if (threads !== this.#threads) this.#network.setThreads(threads);
    this.#threads = threads;
  }

  /** A text of each waiting request in turn, until the batch is full: a question never waits for a whole corpus. */
  #planBatch(): Array<{ request: Waiting; index: number }> {
    const batch: Array<{ request: Waiting; index: number }> = [];
    let tokens = 0;
    for (;;) {
      const request = this.#waiting.find(({ done, texts }) => done < texts.length);
      if (request === undefined || batch.length === this.#network.batchTexts) return batch;
      const { length } = request.texts[request.done] as Int32Array;
      if (batch.length > 0 && tokens + length > this.#network.batchTokens) return batch;
      batch.push({ request, index: request.done++ });
      tokens += length;
      this.#waiting.push(...this.#waiting.splice(this.#waiting.indexOf(request), 1));
    }
  }
}

function tooLong(subject: string, index: number, tokens: number, maxTokens: number): ApiError {
  return new ApiError(
    "context_length_exceeded",
    `${subject} ${tokens} tokens; the model takes ${maxTokens}, and nothing is cut silently.`,
    {
      details: {
        index,
        prompt_tokens: tokens,
        context_window: maxTokens,
        hint: `Split the text into parts of at most ${maxTokens} tokens.`,
      },
    },
  );
}
