import { ApiFailure, failureOf } from "../api/client.ts";
import { counted, duration } from "../format.ts";
import { server } from "../server.svelte.ts";
import { type Account, totalMs } from "./account.ts";
import { type Answer, requestBody, streamAnswer } from "./answer-stream.ts";
import { Answering } from "./answering.svelte.ts";
import {
  branch,
  type ChatSettings,
  type Conversation,
  type Documents,
  difference,
  emptyConversation,
  newestHead,
  type Outcome,
  type Pairing,
  type Side,
  settingsOf,
  type ToolResult,
  type Turn,
} from "./conversation.ts";
import { findPassages } from "./documents.ts";
import { deleteConversation, loadConversations, saveConversation } from "./history.ts";

/** The conversations of this browser, and the answers that are coming in. It outlives the page that shows it. */
class Chat {
  all = $state.raw<readonly Conversation[]>([]);
  current = $state.raw<Conversation>(emptyConversation(Date.now()));
  answering = $state.raw<readonly Answering[]>([]);
  /** The documents that are being searched for a question. */
  searching = $state.raw<Documents | null>(null);
  /** What a screen reader is told: that an answer began and ended, and not its every word. */
  news = $state("");
  /** Why conversations are not kept, in browsers that keep nothing. */
  historyError = $state<string | null>(null);
  #isLoaded = false;

  /** The turns that are shown. */
  readonly turns = $derived(branch(this.current.turns, this.current.headId));
  readonly isBusy = $derived(this.answering.length > 0 || this.searching !== null);

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
    for (const answering of this.answering)
      if (answering.conversationId === conversation.id) answering.stop();
    this.all = this.all.filter(({ id }) => id !== conversation.id);
    if (this.current.id === conversation.id) this.begin();
    await this.#keep(() => deleteConversation(conversation.id));
  }

  configure(changes: Partial<ChatSettings>, side: Side = "a"): void {
    const { other } = this.current;
    this.#set(side === "b" && other !== undefined ? { other: { ...other, ...changes } } : changes);
  }

  /** Asks for two answers from now on, or for one again. */
  compare(isWanted: boolean): void {
    this.#set({ other: isWanted ? settingsOf(this.current, "a") : undefined });
  }

  /** Has questions answered from a dataset's passages, or from nothing but the conversation. */
  consult(documents: Documents | undefined): void {
    this.#set({ documents });
  }

  /** Says `text` after the turn `parentId`, and asks for the answer. */
  async say(text: string, parentId = this.current.headId): Promise<void> {
    const turn = newTurn({ parentId, role: "user", text });
    const conversation = this.current;
    const { id, documents } = conversation;
    if (documents === undefined) return this.#ask(await this.#add(conversation, turn), turn.id);
    this.searching = documents;
    const found = await findPassages(text, documents, server.model?.context_window).then(
      (passages) => ({ passages, outcome: undefined }),
      (error: unknown) => ({ passages: undefined, outcome: outcomeOf(error) }),
    );
    // Settings may have been changed meanwhile, and the conversation deleted; one without turns is in no list yet.
    const now = this.#find(id) ?? (conversation.turns.length === 0 ? conversation : undefined);
    const { passages, outcome } = found;
    if (now !== undefined && outcome === undefined)
      return this.#ask(await this.#add(now, { ...turn, passages }), turn.id);
    this.searching = null;
    if (now === undefined || outcome === undefined) return;
    const asked = await this.#add(now, turn);
    await this.#add(asked, newTurn({ parentId: turn.id, role: "assistant", text: "", outcome }));
  }

  /** Gives the model what its tools gave, and asks for the answer. */
  async giveResults(answer: Turn, results: readonly ToolResult[]): Promise<void> {
    const turn = newTurn({ parentId: answer.id, role: "tool", text: "", results });
    await this.#ask(await this.#add(this.current, turn), turn.id);
  }

  /** Asks once more for the answer to the same question; the one before stays, as a branch. */
  async regenerate(answer: Turn): Promise<void> {
    if (answer.parentId !== null) await this.#ask(this.current, answer.parentId);
  }

  /** Shows the branch that `turn` is in. */
  show(turn: Turn): void {
    void this.#change(this.current, { headId: newestHead(this.current.turns, turn) });
  }

  stop(): void {
    for (const answering of this.answering) answering.stop();
  }

  /** One answer, or two at the same time. */
  async #ask(conversation: Conversation, parentId: string): Promise<void> {
    this.searching = null;
    const asked = await this.#change(conversation, { headId: parentId });
    const { other } = asked;
    if (other === undefined) return this.#answer(asked, parentId, asked);
    const id = crypto.randomUUID();
    const own = settingsOf(asked, "a");
    await Promise.all([
      this.#answer(asked, parentId, own, { id, side: "a", difference: difference(own, other) }),
      this.#answer(asked, parentId, other, { id, side: "b", difference: difference(other, own) }),
    ]);
  }

  async #answer(
    conversation: Conversation,
    parentId: string,
    settings: ChatSettings,
    pair?: Pairing,
  ): Promise<void> {
    const answering = new Answering(conversation.id, parentId, pair);
    this.answering = [...this.answering, answering];
    this.news = "The answer is being made.";
    let answer: Answer | undefined;
    let outcome: Outcome;
    try {
      answer = await streamAnswer(
        requestBody(settings, branch(conversation.turns, parentId)),
        settings.parameters,
        server.model?.context_window ?? null,
        answering.sink,
        answering.signal,
      );
      outcome = answering.signal.aborted ? { kind: "stopped" } : { kind: "done" };
    } catch (error) {
      outcome = outcomeOf(error);
    } finally {
      answering.sink.flush();
      this.answering = this.answering.filter((each) => each !== answering);
    }
    const { account = null, toolCalls = [] } = answer ?? {};
    this.news = newsOf(outcome, account);
    const { text, reasoning } = answering;
    const turn = newTurn({
      parentId,
      role: "assistant",
      text,
      reasoning,
      outcome,
      account,
      ...(toolCalls.length > 0 && { toolCalls }),
      ...(pair !== undefined && { pair }),
    });
    const now = this.#find(conversation.id);
    // It may have been deleted meanwhile.
    if (now === undefined) return;
    // Of two the first is gone on with, whichever is whole first.
    if (pair?.side === "b" && now.headId !== parentId)
      await this.#change(now, { turns: [...now.turns, turn] });
    else await this.#add(now, turn);
  }

  #find(id: string): Conversation | undefined {
    return this.current.id === id ? this.current : this.all.find((conversation) => conversation.id === id);
  }

  #add(conversation: Conversation, turn: Turn): Promise<Conversation> {
    return this.#change(conversation, { turns: [...conversation.turns, turn], headId: turn.id });
  }

  #set(changes: Partial<Conversation>): void {
    this.current = { ...this.current, ...changes };
    if (this.current.turns.length > 0) void this.#change(this.current, {});
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

function newTurn(turn: Partial<Turn> & Pick<Turn, "parentId" | "role" | "text">): Turn {
  return {
    id: crypto.randomUUID(),
    createdAt: Date.now(),
    reasoning: "",
    outcome: { kind: "done" },
    account: null,
    ...turn,
  };
}

function outcomeOf(error: unknown): Outcome {
  const failure = failureOf(error);
  const code = failure instanceof ApiFailure ? failure.code : "unreachable";
  return { kind: "failed", message: failure.message, code };
}

function newsOf(outcome: Outcome, account: Account | null): string {
  if (outcome.kind === "failed") return "";
  if (outcome.kind === "stopped") return "The answer was stopped.";
  const tokens = account?.usage == null ? "" : `, ${counted(account.usage.completion_tokens, "token")}`;
  const time = account?.timings == null ? "" : `, ${duration(totalMs(account.timings))}`;
  return `The answer is whole${tokens}${time}.`;
}

export const chat = new Chat();
