import type { TurnEvent } from "../../../assistant/turn.ts";
import type { SessionEvent } from "../session/event.ts";
import type { Item } from "../session/item.ts";

type Said = Extract<Item, { type: "message" | "reasoning" }>;

export interface AnswerPlace {
  readonly turnId: string;
  readonly step: number;
  readonly firstIndex: number;
  readonly newId: (prefix: string) => string;
}

/** Makes items and events of an answer as it comes. */
export class AnswerItems {
  readonly #place: AnswerPlace;
  readonly #tell: (event: SessionEvent) => void;
  readonly items: Said[] = [];
  /** Calls that were made to the end. */
  readonly calls: Array<{ readonly callId: string; readonly tool: string; readonly arguments: string }> = [];
  /** What is written now, or was written last. */
  #said: Said | undefined;
  #call: { readonly callId: string; readonly tool: string; arguments: string } | undefined;

  constructor(place: AnswerPlace, tell: (event: SessionEvent) => void) {
    this.#place = place;
    this.#tell = tell;
  }

  get nextIndex(): number {
    return this.#place.firstIndex + this.items.length;
  }

  take(event: TurnEvent): void {
    switch (event.type) {
      case "block_start":
        // Only now it is known whether what was said leads to a call.
        this.#close(event.kind === "call" ? "commentary" : null);
        if (event.kind === "call") this.#call = { callId: event.id, tool: event.name, arguments: "" };
        else this.#open(event.kind);
        break;
      case "delta":
        if (this.#call !== undefined) this.#call.arguments += event.text;
        else if (this.#said !== undefined) {
          // No database takes this character.
          const text = event.text.replaceAll("\0", "\ufffd");
          this.#said = { ...this.#said, text: this.#said.text + text };
          this.#tell(this.#text("delta", text));
        }
        break;
      case "block_end":
        if (this.#call !== undefined) {
          if (event.isCut !== true) this.calls.push(this.#call);
          this.#call = undefined;
        } else if (this.#said !== undefined && event.isCut === true)
          this.#said = { ...this.#said, status: "incomplete" };
        break;
      case "started":
      case "done":
        break;
    }
  }

  /** The answer is over; `isCut`: something ended it before the model did. */
  end(isCut: boolean): void {
    // An answer of nothing is still an answer.
    if (this.#said === undefined && this.calls.length === 0 && this.items.length === 0) this.#open("text");
    if (this.#said !== undefined && isCut) this.#said = { ...this.#said, status: "incomplete" };
    this.#close(this.calls.length > 0 || isCut ? "commentary" : "final_answer");
  }

  #open(kind: "text" | "reasoning"): void {
    const { turnId, step, newId } = this.#place;
    const base = { turnId, step, status: "in_progress" as const, text: "" };
    this.#said =
      kind === "reasoning"
        ? { type: "reasoning", id: newId("rs_"), ...base }
        : { type: "message", id: newId("msg_"), ...base, role: "assistant", phase: null };
    this.#tell({ type: "item", change: "added", item: this.#said, outputIndex: this.nextIndex });
    this.#tell(this.#text("begun", ""));
  }

  #close(phase: "commentary" | "final_answer" | null): void {
    const said = this.#said;
    if (said === undefined) return;
    this.#tell(this.#text("done", said.text));
    const status = said.status === "incomplete" ? said.status : "completed";
    const item: Said = said.type === "message" ? { ...said, status, phase } : { ...said, status };
    this.#tell({ type: "item", change: "done", item, outputIndex: this.nextIndex });
    this.items.push(item);
    this.#said = undefined;
  }

  #text(change: "begun" | "delta" | "done", text: string): SessionEvent {
    const said = this.#said;
    if (said === undefined) throw new Error("a piece of nothing");
    return {
      type: "text",
      kind: said.type === "reasoning" ? "reasoning" : "text",
      change,
      turnId: said.turnId,
      itemId: said.id,
      outputIndex: this.nextIndex,
      text,
    };
  }
}
