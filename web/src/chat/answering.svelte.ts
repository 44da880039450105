import type { AnswerSink, Progress } from "./answer-stream.ts";
import type { Pairing } from "./conversation.ts";

interface Shown {
  show(text: string, reasoning: string, pieces: number): void;
  progress(progress: Progress): void;
}

/** An answer that is coming in. */
export class Answering {
  readonly conversationId: string;
  readonly parentId: string;
  /** Where it is one of two. */
  readonly pair: Pairing | undefined;
  readonly startedAt = performance.now();
  readonly #abort = new AbortController();
  text = $state("");
  reasoning = $state("");
  pieces = $state(0);
  firstTextAt = $state<number | null>(null);
  /** How far it is before its first word. */
  progress = $state.raw<Progress>({});

  constructor(conversationId: string, parentId: string, pair: Pairing | undefined) {
    this.conversationId = conversationId;
    this.parentId = parentId;
    this.pair = pair;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Pieces are shown a frame at a time, however fast they come. */
  readonly sink = new FrameSink({
    show: (text, reasoning, pieces) => {
      this.firstTextAt ??= performance.now();
      this.text += text;
      this.reasoning += reasoning;
      this.pieces += pieces;
    },
    progress: (progress) => {
      this.progress = progress;
    },
  });

  stop(): void {
    this.#abort.abort();
  }
}

/** Gathers pieces until the browser draws; a hidden page draws nothing and gathers a while longer. */
class FrameSink implements AnswerSink {
  readonly #shown: Shown;
  #text = "";
  #reasoning = "";
  #pieces = 0;

  constructor(shown: Shown) {
    this.#shown = shown;
  }

  progress(progress: Progress): void {
    this.#shown.progress(progress);
  }

  text(piece: string): void {
    this.#text += piece;
    this.#wait();
  }

  reasoning(piece: string): void {
    this.#reasoning += piece;
    this.#wait();
  }

  flush(): void {
    if (this.#pieces === 0) return;
    this.#shown.show(this.#text, this.#reasoning, this.#pieces);
    this.#text = "";
    this.#reasoning = "";
    this.#pieces = 0;
  }

  #wait(): void {
    this.#pieces++;
    if (this.#pieces > 1) return;
    if (document.hidden) setTimeout(() => this.flush(), 250);
    else requestAnimationFrame(() => this.flush());
  }
}
