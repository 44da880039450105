/**
 * How a model writes its answers, as its chat template shows it: what surrounds its thoughts and the functions it
 * wants called. One description drives the grammar, the parser of the stream and what a generation counts as thought.
 */
export interface AnswerFormat {
  /** Undefined where the model is not known to think. */
  readonly thoughts: ThoughtFormat | undefined;
  readonly calls: CallFormat;
  /** What surrounds a text, in formats that write none bare. */
  readonly texts?: TextFormat;
  /** What comes between two blocks: the opening of another message. */
  readonly turn?: string;
  /** Other things that a model writes before a text and that say nothing: the name of a channel. */
  readonly layout?: readonly string[];
}

export interface TextFormat {
  readonly open: string;
  /** Empty where nothing does; may be missing where the answer ends. */
  readonly close: string;
}

export interface ThoughtFormat {
  readonly open: string;
  readonly close: string;
  /** A call ends them too: the model calls while it thinks, and thinks on with the result. */
  readonly endAtCalls?: boolean;
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
  { readonly type: "json" } | TaggedStyle | LiteralStyle;

/** Each argument between markers of its own; a text stands there as it is, other values as literals. */
export interface TaggedStyle {
  readonly type: "tagged";
  /** One argument, piece by piece; its last piece is a text. */
  readonly argument: readonly ArgumentPiece[];
  /** What `kind` pieces say of each type of value. */
  readonly kinds?: Readonly<Record<JsonType, string>>;
  /** Values other than texts may be written as in Python, besides JSON. */
  readonly isPython?: boolean;
  /** Objects and lists are written as arguments within arguments; the items of a list have this for a key. */
  readonly itemKey?: string;
}

export type ArgumentPiece =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "key" }
  /** The type of the value, in a word of the format's own. */
  | { readonly type: "kind" }
  | { readonly type: "value" };

export type JsonType = "string" | "number" | "boolean" | "null" | "array" | "object";

export interface LiteralWords {
  readonly true: string;
  readonly false: string;
  readonly null: string;
}

/** Keys and values in a notation that is not JSON, without the brackets around all of them. */
export interface LiteralStyle {
  readonly type: "literals";
  /** Between a key and its value: at the outermost, and within objects. */
  readonly assign: string;
  readonly innerAssign: string;
  /** Between two arguments, two items, two entries. */
  readonly between: string;
  /** What may stand around a text, the usual first. */
  readonly quotes: readonly string[];
  /** A backslash in a text takes the next character's meaning away, or gives it one. */
  readonly hasEscapes: boolean;
  /** Keys within objects are texts in quotes. */
  readonly quotesKeys: boolean;
  readonly words: LiteralWords;
}

export interface CallFormat {
  /** Around all the calls of an answer. */
  readonly open: string;
  readonly close: string;
  /** Between two calls; undefined where the model makes one at a time. */
  readonly between: string | undefined;
  /** One call, piece by piece. */
  readonly call: readonly CallPiece[];
  /** Other ways of writing what comes before the arguments, which models are known to use. */
  readonly headers?: ReadonlyArray<readonly CallPiece[]>;
  /** What opens a call may occur in any text: only the name of a declared function makes it a call. */
  readonly onlyKnownNames?: boolean;
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
export function markers({ thoughts, calls, texts, turn, layout = [] }: AnswerFormat): readonly string[] {
  const pieces = [calls.call, ...(calls.headers ?? [])].flat().flatMap(written);
  const around = [thoughts?.open, thoughts?.close, calls.open, calls.close, calls.between];
  const all = [...around, ...pieces, texts?.open, texts?.close, turn, ...layout];
  return [...new Set(all.filter((text) => text !== undefined && text.trim() !== ""))] as string[];
}

function written(piece: CallPiece): readonly string[] {
  if (piece.type === "text") return [piece.text];
  if (piece.type !== "arguments") return [];
  const { style } = piece;
  if (style.type === "tagged")
    return style.argument.flatMap((own) => (own.type === "text" ? [own.text] : []));
  return style.type === "literals" ? style.quotes : [];
}
