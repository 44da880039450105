import { ApiFailure, failureOf } from "../api/client.ts";
import { counted, duration } from "../format.ts";
import { server } from "../server.svelte.ts";
import { type Account, totalMs } from "./account.ts";
import { requestBody, streamAnswer } from "./answer-stream.ts";
import {
  branch,
  type Conversation,
  emptyConversation,
  newestHead,
  type Outcome,
  type Turn,
} from "./conversation.ts";
import { deleteConversation, loadConversations, saveConversation } from "./history.ts";

/** An answer that is coming in. */
class Answering {
  readonly conversationId: string;
  readonly parentId: string;
  readonly startedAt = performance.now();
  readonly #abort = new AbortController();
  text = $state("");
  reasoning = $state("");
  pieces = $state(0);
  firstTextAt = $state<number | null>(null);

  constructor(conversationId: string, parentId: string) {
    this.conversationId = conversationId;
    this.parentId = parentId;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Pieces are shown a frame at a time, however fast they come. */
  readonly sink = new FrameSink((text, reasoning, pieces) => {
    this.firstTextAt ??= performance.now();
    this.text += text;
    this.reasoning += reasoning;
    this.pieces += pieces;
  });

  stop(): void {
    this.#abort.abort();
  }
}

/** Gathers pieces until the browser draws; a hidden page draws nothing and gathers a while longer. */
class FrameSink {
  readonly #show: (text: string, reasoning: string, pieces: number) => void;
  #text = "";
  #reasoning = "";
  #pieces = 0;

  constructor(show: (text: string, reasoning: string, pieces: number) => void) {
    this.#show = show;
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
    this.#show(this.#text, this.#reasoning, this.#pieces);
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

/** The conversations of this browser, and the answer that is coming in. It outlives the page that shows it. */
class Chat {
  all = $state.raw<readonly Conversation[]>([]);
  current = $state.raw<Conversation>(emptyConversation(Date.now()));
  answering = $state.raw<Answering | null>(null);
  /** What a screen reader is told: that an answer began and ended, and not its every word. */
  news = $state("");
  /** Why conversations are not kept, in browsers that keep nothing. */
  historyError = $state<string | null>(null);
  #isLoaded = false;

  /** The turns that are shown. */
  readonly turns = $derived(branch(this.current.turns, this.current.headId));

  async load(): Promise<void> {
    if (this.#isLoaded) return;
    this.#isLoaded = true;
    await this.#keep(async () => {
      this.all = await loadConversations();
    });
  }

  /** A new conversation, with the settings of the last. */
  begin(): void {
    this.current = emptyConversation(Date.now(), this.current);
  }

  open(conversation: Conversation): void {
    this.current = conversation;
  }

  async remove(conversation: Conversation): Promise<void> {
    if (this.answering?.conversationId === conversation.id) this.answering.stop();
    this.all = this.all.filter(({ id }) => id !== conversation.id);
    if (this.current.id === conversation.id) this.begin();
    await this.#keep(() => deleteConversation(conversation.id));
  }

  configure(changes: Partial<Pick<Conversation, "system" | "parameters">>): void {
    this.current = { ...this.current, ...changes };
    if (this.current.turns.length > 0) void this.#change(this.current, {});
  }

  /** Says `text` after the turn `parentId`, and asks for the answer. */
  async say(text: string, parentId = this.current.headId): Promise<void> {
    const turn: Turn = {
      id: crypto.randomUUID(),
      parentId,
      role: "user",
      createdAt: Date.now(),
      text,
      reasoning: "",
      outcome: { kind: "done" },
      account: null,
    };
    const conversation = await this.#add(this.current, turn);
    await this.#answer(conversation, turn.id);
  }

  /** Asks once more for the answer to the same question; the one before stays, as a branch. */
  async regenerate(answer: Turn): Promise<void> {
    if (answer.parentId !== null) await this.#answer(this.current, answer.parentId);
  }

  /** Shows the branch that `turn` is in. */
  show(turn: Turn): void {
    void this.#change(this.current, { headId: newestHead(this.current.turns, turn) });
  }

  stop(): void {
    this.answering?.stop();
  }

  async #answer(conversation: Conversation, parentId: string): Promise<void> {
    const answering = new Answering(conversation.id, parentId);
    const history = branch(conversation.turns, parentId);
    await this.#change(conversation, { headId: parentId });
    this.answering = answering;
    this.news = "The answer is being made.";
    let account: Account | null = null;
    let outcome: Outcome;
    try {
      account = await streamAnswer(
        requestBody(conversation, history),
        conversation.parameters,
        server.model?.context_window ?? null,
        answering.sink,
        answering.signal,
      );
      outcome = answering.signal.aborted ? { kind: "stopped" } : { kind: "done" };
    } catch (error) {
      const failure = failureOf(error);
      const code = failure instanceof ApiFailure ? failure.code : "unreachable";
      outcome = { kind: "failed", message: failure.message, code };
    } finally {
      answering.sink.flush();
      this.answering = null;
    }
    this.news = newsOf(outcome, account);
    const turn: Turn = {
      id: crypto.randomUUID(),
      parentId,
      role: "assistant",
      createdAt: Date.now(),
      text: answering.text,
      reasoning: answering.reasoning,
      outcome,
      account,
    };
    const now = this.#find(conversation.id);
    // It may have been deleted meanwhile.
    if (now !== undefined) await this.#add(now, turn);
  }

  #find(id: string): Conversation | undefined {
    return this.current.id === id ? this.current : this.all.find((conversation) => conversation.id === id);
  }

  #add(conversation: Conversation, turn: Turn): Promise<Conversation> {
    return this.#change(conversation, { turns: [...conversation.turns, turn], headId: turn.id });
  }

  async #change(conversation: Conversation, changes: Partial<Conversation>): Promise<Conversation> {
    const changed = { ...conversation, ...changes, updatedAt: Date.now() };
    if (this.current.id === changed.id) this.current = changed;
    this.all = [changed, ...this.all.filter(({ id }) => id !== changed.id)];
    await this.#keep(() => saveConversation(changed));
    return changed;
  }

  async #keep(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.historyError = null;
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      this.historyError = `This browser does not keep conversations: ${error.message}`;
    }
  }
}

function newsOf(outcome: Outcome, account: Account | null): string {
  if (outcome.kind === "failed") return "";
  if (outcome.kind === "stopped") return "The answer was stopped.";
  const tokens = account?.usage == null ? "" : `, ${counted(account.usage.completion_tokens, "token")}`;
  const time = account?.timings == null ? "" : `, ${duration(totalMs(account.timings))}`;
  return `The answer is whole${tokens}${time}.`;
}

export const chat = new Chat();
