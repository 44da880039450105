import { type JsonContext, JsonFrame, matches, readSpace } from "./json-frame.ts";
import type { ObjectShape } from "./json-program.ts";
import {
  type KeyChoice,
  keyChoices,
  keyChoicesAt,
  mayClose,
  mayTakeKey,
  type ObjectEntry,
} from "./object-entry.ts";
import { StringFrame } from "./string-frame.ts";

type Phase = "open" | "comma" | "colon" | "value" | "after" | "closing";

const textOf = ({ shape, at, count, seen }: ObjectEntry) => `${shape}.${at}.${count}.${seen.join("-")}`;

/** Within an object, between its tokens. */
export class ObjectFrame extends JsonFrame {
  readonly #entries: readonly ObjectEntry[];
  readonly #phase: Phase;
  readonly #space: number;
  /** What the value after the present key may be; with it, what is left of the object. */
  readonly #choices: readonly KeyChoice[];
  /** What the value may be, found once for all bytes that are tried. */
  #nodes: readonly number[] | undefined;

  constructor(
    context: JsonContext,
    parent: JsonFrame,
    entries: readonly ObjectEntry[],
    phase: Phase,
    space: number,
    choices: readonly KeyChoice[],
  ) {
    super(context, parent, entries.length + choices.length);
    this.#entries = entries;
    this.#phase = phase;
    this.#space = space;
    this.#choices = choices;
  }

  static begin(context: JsonContext, parent: JsonFrame, shapes: readonly number[]): ObjectFrame | null {
    const entries = shapes.map((shape): ObjectEntry => ({ shape, at: 0, count: 0, seen: [] }));
    return ObjectFrame.#at(context, parent, entries, "open");
  }

  static #at(
    context: JsonContext,
    parent: JsonFrame,
    entries: readonly ObjectEntry[],
    phase: Phase,
    space = 0,
    choices: readonly KeyChoice[] = [],
  ): ObjectFrame | null {
    if (entries.length + choices.length === 0) return null;
    const expected = choices.map(({ after, node }) => `${textOf(after)}=${node}`);
    const key = `o${parent.id}:${phase}${space}:${entries.map(textOf).join()}:${expected.join()}`;
    return context.intern(key, () => new ObjectFrame(context, parent, entries, phase, space, choices));
  }

  protected derive(byte: number): JsonFrame | null {
    const space = this.#readSpace(byte);
    if (space > 0) return this.#withSpace(space);
    switch (this.#phase) {
      case "open":
        return byte === 0x22 ? this.#key() : byte === 0x7d ? this.#close() : null;
      case "comma":
        return byte === 0x22 ? this.#key() : null;
      case "colon":
        return byte === 0x3a ? this.#to("value") : null;
      case "value":
        this.#nodes ??= [...new Set(this.#choices.map(({ node }) => node))];
        return this.context.begin(this, this.#nodes, byte);
      case "after":
        return byte === 0x2c ? this.#comma() : byte === 0x7d ? this.#close() : null;
      case "closing":
        return byte === 0x7d ? this.#close() : null;
    }
  }

  #readSpace(byte: number): number {
    switch (this.#phase) {
      case "colon":
        return -1;
      case "value":
        return byte === 0x20 && this.#space === 0 ? 1 : -1;
      default:
        return readSpace(this.#space, byte, this.depth);
    }
  }

  #withSpace(space: number): JsonFrame | null {
    // Behind a value, white space comes only before the end.
    if (this.#phase === "after" || this.#phase === "closing") {
      const closing = this.#entries.filter((entry) => mayClose(this.#shape(entry), entry));
      return this.#next(closing, "closing", space);
    }
    return this.#next(this.#entries, this.#phase, space, this.#choices);
  }

  #next(
    entries: readonly ObjectEntry[],
    phase: Phase,
    space = 0,
    choices: readonly KeyChoice[] = [],
  ): JsonFrame | null {
    if (this.parent === undefined) return null;
    return ObjectFrame.#at(this.context, this.parent, entries, phase, space, choices);
  }

  #to(phase: Phase): JsonFrame | null {
    return this.#next([], phase, 0, this.#choices);
  }

  #shape({ shape }: ObjectEntry): ObjectShape {
    return this.context.shape(shape) as ObjectShape;
  }

  #key(): JsonFrame | null {
    const { parent, context } = this;
    if (parent === undefined) return null;
    const { choices, lexer } = context.keyLexer(this.#entries.map(textOf).join(), () => {
      const entries = this.#entries.map((entry) => ({ entry, shape: this.#shape(entry) }));
      return keyChoices(entries, context.program.isForWriting);
    });
    if (lexer.forms.length === 0) return null;
    return StringFrame.key(context, parent, this, lexer.start, ({ endings }) =>
      ObjectFrame.#at(context, parent, [], "colon", 0, keyChoicesAt(choices, endings)),
    );
  }

  #comma(): JsonFrame | null {
    const { isForWriting } = this.context.program;
    const open = this.#entries.filter((entry) => mayTakeKey(this.#shape(entry), entry, isForWriting));
    return this.#next(open, "comma");
  }

  #close(): JsonFrame | null {
    const closed = this.#entries.filter((entry) => mayClose(this.#shape(entry), entry));
    if (closed.length === 0 || this.parent === undefined) return null;
    return this.parent.received([...new Set(closed.map(({ shape }) => shape))]);
  }

  received(shapes: readonly number[]): JsonFrame | null {
    const matched = new Set(shapes);
    const kept = this.#choices.filter(({ node }) => matches(this.context, node, matched));
    return this.#next(
      kept.map(({ after }) => after),
      "after",
    );
  }
}
