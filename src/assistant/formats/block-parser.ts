import type { Tool } from "../template/message.ts";
import type { ArgumentReader } from "./argument-reader.ts";
import { argumentReader } from "./arguments.ts";
import { type CallHeader, matchTrailer, readHeader } from "./call-header.ts";
import { type AnswerFormat, type ArgumentStyle, type CallPiece, trigger } from "./format.ts";
import { match, partialEnd } from "./markers.ts";

/** What an answer turns out to be, piece by piece. */
export type AnswerPart =
  | { readonly type: "start"; readonly kind: "text" | "reasoning" }
  | { readonly type: "start"; readonly kind: "call"; readonly name: string; readonly id: string | undefined }
  /** More of the block that is open: text, thought, or the JSON text of a call's arguments. */
  | { readonly type: "delta"; readonly text: string }
  | { readonly type: "end" };

export interface ParserOptions {
  /** The prompt ends within a thought. */
  readonly isThinking: boolean;
  /** Functions that may be called; without any, what looks like a call is text. */
  readonly tools: readonly Tool[];
}

type State = "thought" | "text" | "arguments" | "trailer" | "after-call";

/**
 * Tells thoughts, text and calls apart in an answer, as it streams: nothing that may still become a marker goes out as
 * text, and what turns out to be none goes out unchanged. White space between blocks is layout.
 */
export class BlockParser {
  readonly #format: AnswerFormat;
  readonly #tools: ReadonlyMap<string, Tool>;
  readonly #canCall: boolean;
  readonly #trigger: string;
  #state: State;
  #buffer = "";
  #open: "text" | "reasoning" | "call" | undefined;
  /** No text yet: thoughts may still come, and leading white space is layout. */
  #isBeforeText = true;
  /** Something came before this text, from which white space separates it. */
  #followsBlock = false;
  #arguments: ArgumentReader | undefined;

  constructor(format: AnswerFormat, { isThinking, tools }: ParserOptions) {
    this.#format = format;
    this.#tools = new Map(tools.map((tool) => [tool.name, tool]));
    this.#canCall = tools.length > 0;
    this.#trigger = trigger(format.calls);
    this.#state = isThinking && format.thoughts !== undefined ? "thought" : "text";
  }

  get #endsAtCalls(): boolean {
    return this.#canCall && this.#format.thoughts?.endAtCalls === true;
  }

  /** The arguments of a call have begun and are not whole. */
  get isWithinArguments(): boolean {
    return this.#state === "arguments";
  }

  push(text: string): AnswerPart[] {
    this.#buffer += text;
    const parts: AnswerPart[] = [];
    while (this.#advance(parts));
    return parts;
  }

  /** What was held back, when the answer is over; `isCut`: the model would have continued. */
  end({ isCut = false } = {}): AnswerPart[] {
    const parts: AnswerPart[] = [];
    if (this.#state === "arguments") this.#write(parts, "call", this.#arguments?.end() ?? "");
    const rest = isCut ? this.#withoutCutCall() : this.#buffer;
    this.#buffer = "";
    if (!this.#isLayout(rest)) this.#write(parts, this.#state === "thought" ? "reasoning" : "text", rest);
    this.#close(parts);
    return parts;
  }

  /** What comes before a call whose beginning is not whole, which would come out as text of markers. */
  #withoutCutCall(): string {
    const { calls } = this.#format;
    const isAfterCall = this.#state === "after-call";
    const at = isAfterCall ? 0 : this.#buffer.indexOf(this.#trigger);
    if (at < 0 || !(isAfterCall || (this.#state === "text" && this.#canCall))) return this.#buffer;
    const opened = match(this.#buffer.slice(at), isAfterCall ? (calls.between ?? "") : calls.open);
    const isBegun =
      opened === "more" ||
      (opened !== "no" && readHeader(this.#buffer.slice(at + opened), calls.call) === "more");
    return isBegun ? this.#buffer.slice(0, at).trimEnd() : this.#buffer;
  }

  /** White space between blocks, or the beginning of a marker that the answer was cut in. */
  #isLayout(rest: string): boolean {
    if (this.#state === "trailer") return matchTrailer(rest, this.#format.calls.call) === "more";
    if (this.#state === "after-call" && match(rest, this.#format.calls.close) === "more") return true;
    return rest.trim() === "" && (this.#open === undefined ? this.#followsBlock : this.#open === "call");
  }

  /** One step; false when more text is needed. */
  #advance(parts: AnswerPart[]): boolean {
    switch (this.#state) {
      case "thought":
        return this.#readThought(parts);
      case "text":
        return this.#readText(parts);
      case "arguments":
        return this.#readArguments(parts);
      case "trailer":
        return this.#readTrailer(parts);
      case "after-call":
        return this.#readAfterCall(parts);
    }
  }

  #readThought(parts: AnswerPart[]): boolean {
    const close = this.#format.thoughts?.close.trim() ?? "";
    if (this.#open === undefined) this.#buffer = this.#buffer.trimStart();
    const at = this.#buffer.indexOf(close);
    const called = this.#endsAtCalls ? this.#buffer.indexOf(this.#trigger) : -1;
    if (called >= 0 && (at < 0 || called < at)) {
      this.#write(parts, "reasoning", this.#buffer.slice(0, called).trimEnd());
      this.#buffer = this.#buffer.slice(called);
      this.#close(parts);
      return this.#toText();
    }
    if (at >= 0) {
      this.#write(parts, "reasoning", this.#buffer.slice(0, at).trimEnd());
      this.#buffer = this.#buffer.slice(at + close.length);
      this.#close(parts);
      this.#followsBlock = true;
      this.#state = "text";
      return true;
    }
    const held = Math.max(
      partialEnd(this.#buffer, close),
      this.#endsAtCalls ? partialEnd(this.#buffer, this.#trigger) : 0,
    );
    this.#release(parts, "reasoning", this.#buffer.length - held);
    return false;
  }

  #readText(parts: AnswerPart[]): boolean {
    if (this.#isBeforeText && this.#followsBlock) this.#buffer = this.#buffer.trimStart();
    const { thoughts } = this.#format;
    if (thoughts !== undefined && this.#isBeforeText) {
      const open = thoughts.open.trim();
      const begun = match(this.#buffer, open);
      if (begun === "more") return false;
      if (begun !== "no") {
        this.#buffer = this.#buffer.slice(begun);
        this.#state = "thought";
        return true;
      }
    }
    if (this.#isBeforeText) {
      const begun = this.#canCall ? this.#readOtherHeader(parts) : undefined;
      if (begun !== undefined) return begun;
      const passed = this.#passLayout();
      if (passed !== undefined) return passed;
    }
    const isCallPossible = this.#canCall && (this.#format.calls.mayFollowText || this.#isBeforeText);
    const close = this.#format.texts?.close.trim() ?? "";
    const holdsSpace = this.#canCall || close !== "";
    if (this.#buffer.trim() === "" && (this.#isBeforeText || holdsSpace)) return false;
    const at = isCallPossible ? this.#buffer.indexOf(this.#trigger) : -1;
    const closed = close === "" ? -1 : this.#buffer.indexOf(close);
    if (closed >= 0 && (at < 0 || closed < at)) {
      this.#write(parts, "text", this.#buffer.slice(0, closed).trimEnd());
      this.#close(parts);
      this.#buffer = this.#buffer.slice(closed + close.length);
      return this.#toText();
    }
    if (at >= 0) {
      const before = this.#buffer.slice(0, at);
      if (this.#format.calls.mayFollowText || before.trim() === "") {
        const found = this.#readCall(parts, before);
        if (found !== undefined) return found;
        // Its end may be the beginning of one that is.
        this.#write(parts, "text", this.#buffer.slice(0, at + 1));
        this.#buffer = this.#buffer.slice(at + 1);
        return true;
      }
    }
    const held = Math.max(
      isCallPossible ? partialEnd(this.#buffer, this.#trigger) : 0,
      close === "" ? 0 : partialEnd(this.#buffer, close),
    );
    this.#release(parts, "text", this.#buffer.length - held, holdsSpace);
    return false;
  }

  /** A call whose opening is another than the usual: true when it was read, false when more is needed. */
  #readOtherHeader(parts: AnswerPart[]): boolean | undefined {
    const { headers = [] } = this.#format.calls;
    const outcomes = headers.map((pieces) => this.#header(this.#buffer, pieces));
    const found = outcomes.find((outcome) => typeof outcome !== "string");
    if (found === undefined || typeof found === "string")
      return outcomes.includes("more") ? false : undefined;
    this.#buffer = this.#buffer.slice(found.length);
    this.#begin(parts, found);
    return true;
  }

  #header(text: string, pieces: readonly CallPiece[]): CallHeader | "more" | "no" {
    const header = readHeader(text, pieces);
    const { onlyKnownNames } = this.#format.calls;
    return typeof header !== "string" && onlyKnownNames === true && !this.#tools.has(header.name)
      ? "no"
      : header;
  }

  /** Passes over what says nothing: true when there was some, false when more is needed to tell. */
  #passLayout(): boolean | undefined {
    const { texts, turn, layout = [] } = this.#format;
    const matches = [texts?.open ?? "", turn ?? "", ...layout].map((text) =>
      text.trim() === "" ? "no" : match(this.#buffer, text),
    );
    const matched = matches.find((outcome) => typeof outcome === "number");
    if (matched === undefined) return matches.includes("more") ? false : undefined;
    this.#buffer = this.#buffer.slice(matched);
    this.#followsBlock = true;
    return true;
  }

  /** The call whose opening follows `before`: true when it was read, false when more is needed. */
  #readCall(parts: AnswerPart[], before: string): boolean | undefined {
    const { calls } = this.#format;
    const opened = match(this.#buffer.slice(before.length), calls.open);
    if (opened === "more") return this.#hold(parts, before);
    if (opened === "no") return undefined;
    const header = this.#header(this.#buffer.slice(before.length + opened), calls.call);
    if (header === "more") return this.#hold(parts, before);
    if (header === "no") return undefined;
    if (before.trim() !== "") this.#write(parts, "text", before.trimEnd());
    this.#buffer = this.#buffer.slice(before.length + opened + header.length);
    this.#begin(parts, header);
    return true;
  }

  /** Lets text go that comes before what may become a call. */
  #hold(parts: AnswerPart[], before: string): false {
    const text = before.trimEnd();
    if (text !== "") {
      this.#write(parts, "text", text);
      this.#buffer = this.#buffer.slice(text.length);
    }
    return false;
  }

  #begin(
    parts: AnswerPart[],
    { name, id }: { readonly name: string; readonly id: string | undefined },
  ): void {
    this.#close(parts);
    parts.push({ type: "start", kind: "call", name, id });
    this.#open = "call";
    const { call } = this.#format.calls;
    this.#arguments = argumentReader(styleOf(this.#format), this.#tools.get(name), (text) =>
      matchTrailer(text, call),
    );
    this.#state = "arguments";
  }

  #readArguments(parts: AnswerPart[]): boolean {
    if (this.#buffer === "" || this.#arguments === undefined) return false;
    const { json, rest } = this.#arguments.push(this.#buffer);
    this.#write(parts, "call", json);
    this.#buffer = rest ?? "";
    if (rest !== undefined) this.#state = "trailer";
    return rest !== undefined;
  }

  #readTrailer(parts: AnswerPart[]): boolean {
    const matched = matchTrailer(this.#buffer, this.#format.calls.call);
    if (matched === "more") return false;
    this.#close(parts);
    if (matched === "no") return this.#toText();
    this.#buffer = this.#buffer.slice(matched);
    this.#state = "after-call";
    return true;
  }

  /** Another call, the end of the calls, or text. */
  #readAfterCall(parts: AnswerPart[]): boolean {
    const { between, call, close } = this.#format.calls;
    if (close.trim() !== "") {
      const closed = match(this.#buffer, close);
      if (closed === "more") return false;
      if (closed !== "no") {
        this.#buffer = this.#buffer.slice(closed);
        return this.#toText();
      }
    }
    const separated = match(this.#buffer, between ?? "");
    if (separated === "more") return false;
    if (separated === "no") return this.#toText();
    const header = this.#header(this.#buffer.slice(separated), call);
    if (header === "more") return false;
    if (header === "no") return this.#toText();
    this.#buffer = this.#buffer.slice(separated + header.length);
    this.#begin(parts, header);
    return true;
  }

  #toText(): true {
    this.#state = "text";
    this.#isBeforeText = true;
    this.#followsBlock = true;
    return true;
  }

  /** Sends the first `length` characters on; white space at their end waits where it may prove to be layout. */
  #release(parts: AnswerPart[], kind: "text" | "reasoning", length: number, holdsSpace = true): void {
    const ready = this.#buffer.slice(0, length);
    const text = holdsSpace ? ready.trimEnd() : ready;
    if (text === "") return;
    this.#write(parts, kind, text);
    this.#buffer = this.#buffer.slice(text.length);
  }

  #write(parts: AnswerPart[], kind: "text" | "reasoning" | "call", text: string): void {
    if (text === "") return;
    if (kind !== "call" && this.#open !== kind) {
      this.#close(parts);
      parts.push({ type: "start", kind });
      this.#open = kind;
    }
    if (kind === "text") this.#isBeforeText = false;
    parts.push({ type: "delta", text });
  }

  #close(parts: AnswerPart[]): void {
    if (this.#open !== undefined) parts.push({ type: "end" });
    this.#open = undefined;
  }
}

function styleOf({ calls }: AnswerFormat): ArgumentStyle {
  const piece = calls.call.find(({ type }) => type === "arguments");
  if (piece?.type !== "arguments") throw new Error("a call format lacks its arguments");
  return piece.style;
}
