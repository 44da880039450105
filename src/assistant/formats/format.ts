/**
 * How a model writes its answers, as its chat template shows it: what surrounds its thoughts and the functions it
 * wants called. One description drives the grammar, the parser of the stream and what a generation counts as thought.
 */
export interface AnswerFormat {
  /** Undefined where the model is not known to think. */
  readonly thoughts: ThoughtFormat | undefined;
  readonly calls: CallFormat;
  /** What a model writes before a text or a call and that says nothing: the name of a channel. */
  readonly layout?: readonly string[];
}

export interface ThoughtFormat {
  readonly open: string;
  readonly close: string;
}

/** A piece of a written call. */
export type CallPiece =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "name" }
  /** The call's own id, or its number within the answer. */
  | { readonly type: "id" }
  | { readonly type: "arguments"; readonly style: ArgumentStyle };

export type ArgumentStyle =
  /** One JSON object. */
  { readonly type: "json" };

export interface CallFormat {
  /** Around all the calls of an answer. */
  readonly open: string;
  readonly close: string;
  /** Between two calls; undefined where the model makes one at a time. */
  readonly between: string | undefined;
  /** One call, piece by piece. */
  readonly call: readonly CallPiece[];
  /** True where calls may follow text; otherwise an answer is either text or calls, and its first character tells. */
  readonly mayFollowText: boolean;
  /** Characters of a call's id, which some templates insist on. */
  readonly idLength: number;
}

/** What opens a call, up to its name. */
export function opening({ open, call }: CallFormat): string {
  const first = call[0];
  return open + (first?.type === "text" ? first.text : "");
}

/** The beginning of a call's opening that tells it from text: up to the first white space. */
export function trigger(format: CallFormat): string {
  return /\S+/.exec(opening(format))?.[0] ?? "";
}

/** Every text that a model writes around thoughts and calls; among them are control tokens, which have to be seen. */
export function markers({ thoughts, calls, layout = [] }: AnswerFormat): readonly string[] {
  const pieces = calls.call.map((piece) => (piece.type === "text" ? piece.text : ""));
  const around = [thoughts?.open, thoughts?.close, calls.open, calls.close, calls.between, ...layout];
  const texts = [...around, ...pieces].filter((text) => text !== undefined);
  return [...new Set(texts.filter((text) => text.trim() !== ""))];
}
