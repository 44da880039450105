import { type ArrayEntry, type ItemChoice, itemChoices, mayEnd } from "./array-entry.ts";
import { type JsonContext, JsonFrame, matches, readSpace } from "./json-frame.ts";
import type { ArrayShape } from "./json-program.ts";

type Phase = "open" | "item" | "after" | "closing";

const textOf = ({ shape, index, counted }: ArrayEntry) => `${shape}.${index}.${counted}`;

/** Within an array, between its tokens. */
export class ArrayFrame extends JsonFrame {
  readonly #entries: readonly ArrayEntry[];
  readonly #phase: Phase;
  readonly #space: number;
  /** What the present item may be; with it, what is left of the array. */
  readonly #choices: readonly ItemChoice[];
  /** Found once for all bytes that are tried: the place before the next item, and what that may be. */
  #item: ArrayFrame | null | undefined;
  #nodes: readonly number[] | undefined;

  constructor(
    context: JsonContext,
    parent: JsonFrame,
    entries: readonly ArrayEntry[],
    phase: Phase,
    space: number,
    choices: readonly ItemChoice[],
  ) {
    super(context, parent, entries.length + choices.length);
    this.#entries = entries;
    this.#phase = phase;
    this.#space = space;
    this.#choices = choices;
  }

  static begin(context: JsonContext, parent: JsonFrame, shapes: readonly number[]): ArrayFrame | null {
    const entries = shapes.map((shape): ArrayEntry => ({ shape, index: 0, counted: 0 }));
    return ArrayFrame.#at(context, parent, entries, "open");
  }

  static #at(
    context: JsonContext,
    parent: JsonFrame,
    entries: readonly ArrayEntry[],
    phase: Phase,
    space = 0,
    choices: readonly ItemChoice[] = [],
  ): ArrayFrame | null {
    if (entries.length + choices.length === 0) return null;
    const expected = choices.map(({ after, node }) => `${textOf(after)}=${node}`);
    const key = `a${parent.id}:${phase}${space}:${entries.map(textOf).join()}:${expected.join()}`;
    return context.intern(key, () => new ArrayFrame(context, parent, entries, phase, space, choices));
  }

  override get wantsUnique(): boolean {
    const entries = [...this.#entries, ...this.#choices.map(({ after }) => after)];
    return entries.some((entry) => this.#shape(entry).isUnique === true);
  }

  protected derive(byte: number): JsonFrame | null {
    const space = readSpace(this.#space, byte, this.depth);
    if (space > 0) return this.#withSpace(space);
    switch (this.#phase) {
      case "open":
        return byte === 0x5d ? this.#close() : (this.#toItem()?.step(byte) ?? null);
      case "item":
        this.#nodes ??= [...new Set(this.#choices.map(({ node }) => node))];
        return byte === 0x5d ? null : this.context.begin(this, this.#nodes, byte);
      case "after":
        return byte === 0x2c ? this.#toItem() : byte === 0x5d ? this.#close() : null;
      case "closing":
        return byte === 0x5d ? this.#close() : null;
    }
  }

  #withSpace(space: number): ArrayFrame | null {
    // Behind an item, white space comes only before the end.
    if (this.#phase === "after" || this.#phase === "closing") {
      const closing = this.#entries.filter((entry) => mayEnd(this.#shape(entry), entry));
      return this.#next(closing, "closing", space);
    }
    return this.#next(this.#entries, this.#phase, space, this.#choices);
  }

  #next(
    entries: readonly ArrayEntry[],
    phase: Phase,
    space = 0,
    choices: readonly ItemChoice[] = [],
  ): ArrayFrame | null {
    if (this.parent === undefined) return null;
    return ArrayFrame.#at(this.context, this.parent, entries, phase, space, choices);
  }

  #shape({ shape }: ArrayEntry): ArrayShape {
    return this.context.shape(shape) as ArrayShape;
  }

  #toItem(): ArrayFrame | null {
    if (this.#item === undefined) {
      const choices = this.#entries.flatMap((entry) => itemChoices(this.#shape(entry), entry));
      this.#item = this.#next([], "item", 0, choices);
    }
    return this.#item;
  }

  #close(): JsonFrame | null {
    const closed = this.#entries.filter((entry) => mayEnd(this.#shape(entry), entry));
    if (closed.length === 0 || this.parent === undefined) return null;
    return this.parent.received([...new Set(closed.map(({ shape }) => shape))]);
  }

  received(shapes: readonly number[]): JsonFrame | null {
    const matched = new Set(shapes);
    const left = new Map<string, ArrayEntry>();
    for (const { after, node } of this.#choices) {
      if (matches(this.context, node, matched)) left.set(textOf(after), after);
    }
    return this.#next([...left.values()], "after");
  }
}
