import { type JsonContext, JsonFrame } from "./json-frame.ts";
import type { StringShape } from "./json-program.ts";
import { mayBecome, type PartialCharacter, readString } from "./string-text.ts";
import { endingAt, goesOnWithin, narrow, type TextRange, wholeList } from "./text-list.ts";

/** A shape that a string may still have, and how far it has come in the shape's automaton or list. */
export interface StringItem {
  readonly shape: number;
  readonly state: number;
  readonly range: TextRange | undefined;
}

/** Lengths that no longer matter: enough characters are there and any number may follow; or far too few are. */
const ENOUGH = -1;
const FAR_TOO_FEW = -2;

/** Within a string that is a value. */
export class StringFrame extends JsonFrame {
  readonly items: readonly StringItem[];
  /** Of the character that has begun. */
  readonly #partial: PartialCharacter | undefined;
  readonly #length: number;

  constructor(
    context: JsonContext,
    parent: JsonFrame,
    items: readonly StringItem[],
    length: number,
    partial: PartialCharacter | undefined,
  ) {
    super(context, parent);
    this.items = items;
    this.#length = length;
    this.#partial = partial;
  }

  static begin(context: JsonContext, parent: JsonFrame, shapes: readonly number[]): StringFrame | null {
    const items = shapes.map((shape): StringItem => {
      const { texts } = context.shape(shape) as StringShape;
      return { shape, state: 0, range: texts === undefined ? undefined : wholeList(texts) };
    });
    return StringFrame.at(context, parent, items, 0, undefined);
  }

  static at(
    context: JsonContext,
    parent: JsonFrame,
    items: readonly StringItem[],
    exactLength: number,
    partial: PartialCharacter | undefined,
  ): StringFrame | null {
    if (items.length === 0) return null;
    const isBounded = ({ shape }: StringItem) => {
      const { minLength, maxLength } = context.shape(shape) as StringShape;
      return maxLength !== undefined || exactLength < minLength;
    };
    const length = exactLength < 0 || items.some(isBounded) ? exactLength : ENOUGH;
    const within =
      partial === undefined ? "" : `${partial.kind}${partial.left},${partial.from},${partial.to}`;
    const places = items.map(
      ({ shape, state, range }) =>
        `${shape}.${state}${range === undefined ? "" : `.${range.low}-${range.high}-${range.depth}`}`,
    );
    const key = `s${parent.id}:${within}:${length}:${places.join()}`;
    return context.intern(key, () => new StringFrame(context, parent, items, length, partial));
  }

  #shape({ shape }: StringItem): StringShape {
    return this.context.shape(shape) as StringShape;
  }

  override get freeCharacters(): number {
    if (this.#partial !== undefined) return 0;
    let most = 0;
    for (const item of this.items) {
      const { automaton, texts, maxLength } = this.#shape(item);
      if (automaton !== undefined || texts !== undefined) continue;
      const left = maxLength === undefined ? Number.POSITIVE_INFINITY : maxLength - this.#length;
      most = Math.max(most, this.#length < 0 ? Number.POSITIVE_INFINITY : left);
    }
    return most;
  }

  override get textsLeft(): readonly string[] | undefined {
    const texts: string[] = [];
    for (const item of this.items) {
      if (item.range === undefined) return undefined;
      texts.push(...(this.#shape(item).texts ?? []).slice(item.range.low, item.range.high));
    }
    return texts;
  }

  override relaxed(characters: number): StringFrame {
    const length = this.#length;
    if (length < 0 || this.parent === undefined) return this;
    let relaxedLength: number | undefined;
    for (const item of this.items) {
      const { automaton, minLength, maxLength } = this.#shape(item);
      if (automaton !== undefined || (maxLength !== undefined && maxLength - length <= characters))
        return this;
      const state = length >= minLength ? ENOUGH : minLength - length > characters ? FAR_TOO_FEW : undefined;
      if (state === undefined || (relaxedLength !== undefined && relaxedLength !== state)) return this;
      relaxedLength = state;
    }
    if (relaxedLength === undefined) return this;
    return StringFrame.at(this.context, this.parent, this.items, relaxedLength, this.#partial) ?? this;
  }

  protected derive(byte: number): JsonFrame | null {
    const { context, parent } = this;
    if (parent === undefined) return null;
    const read = readString(this.#partial, byte);
    switch (read?.type) {
      case undefined:
        return null;
      case "end": {
        const ended = this.items.filter((item) => this.#mayEnd(item)).map(({ shape }) => shape);
        return ended.length === 0 ? null : parent.received(ended);
      }
      case "partial": {
        const { partial } = read;
        const left = this.items.filter((item) =>
          mayBecome(partial, (from, to) => this.#takes(item, from, to)),
        );
        return StringFrame.at(context, parent, left, this.#length, partial);
      }
      case "character": {
        const length = this.#length < 0 ? this.#length : this.#length + 1;
        const left = this.items.flatMap((item) => this.#after(item, read.codePoint, length));
        return StringFrame.at(context, parent, left, length, undefined);
      }
    }
  }

  #mayEnd(item: StringItem): boolean {
    const shape = this.#shape(item);
    const length = this.#length;
    if (length === FAR_TOO_FEW || (length >= 0 && length < shape.minLength)) return false;
    if (item.range !== undefined) return endingAt(shape.texts ?? [], item.range) >= 0;
    return shape.automaton === undefined || this.context.automaton(shape.automaton).accepts(item.state);
  }

  /** Whether the item has room for another character, one of a range. */
  #takes(item: StringItem, from: number, to: number): boolean {
    const { automaton, texts, maxLength } = this.#shape(item);
    if (item.range !== undefined) return goesOnWithin(texts ?? [], item.range, from, to);
    const left =
      maxLength === undefined || this.#length < 0 ? Number.POSITIVE_INFINITY : maxLength - this.#length;
    if (left < 1) return false;
    return automaton === undefined || this.context.automaton(automaton).continuesWithin(item.state, from, to);
  }

  #after(item: StringItem, codePoint: number, length: number): readonly StringItem[] {
    const { automaton, texts, minLength, maxLength } = this.#shape(item);
    if (item.range !== undefined) {
      const range = narrow(texts ?? [], item.range, codePoint);
      return range.low < range.high ? [{ ...item, range }] : [];
    }
    const left = maxLength === undefined || length < 0 ? Number.POSITIVE_INFINITY : maxLength - length;
    if (left < 0) return [];
    if (automaton === undefined) return [item];
    const runner = this.context.automaton(automaton);
    const state = runner.next(item.state, codePoint);
    if (state < 0 || (runner.shortest[state] as number) > left) return [];
    if (length >= 0 && (runner.longest[state] as number) < minLength - length) return [];
    return [{ ...item, state }];
  }

  received(): null {
    return null;
  }
}
