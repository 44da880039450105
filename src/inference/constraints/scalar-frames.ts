import { type JsonContext, JsonFrame } from "./json-frame.ts";
import { isWhole, type NumberPosition, readNumber } from "./number-text.ts";

/** Within `true`, `false` or `null`. */
export class LiteralFrame extends JsonFrame {
  readonly #rest: string;
  readonly #shapes: readonly number[];

  constructor(context: JsonContext, parent: JsonFrame, rest: string, shapes: readonly number[]) {
    super(context, parent);
    this.#rest = rest;
    this.#shapes = shapes;
  }

  static at(context: JsonContext, parent: JsonFrame, rest: string, shapes: readonly number[]): JsonFrame {
    const key = `l${parent.id}:${rest}:${shapes.join()}`;
    return context.intern(key, () => new LiteralFrame(context, parent, rest, shapes));
  }

  protected derive(byte: number): JsonFrame | null {
    if (byte !== this.#rest.charCodeAt(0) || this.parent === undefined) return null;
    if (this.#rest.length === 1) return this.parent.received(this.#shapes);
    return LiteralFrame.at(this.context, this.parent, this.#rest.slice(1), this.#shapes);
  }

  received(): null {
    return null;
  }
}

/** Within a number. It has no end of its own: whatever can't be part of it is the parent's. */
export class NumberFrame extends JsonFrame {
  /** Those of its form that the number may still have. */
  readonly #shapes: readonly number[];
  readonly #position: NumberPosition;
  /** The text so far, empty where only its form matters. */
  readonly #text: string;

  constructor(
    context: JsonContext,
    parent: JsonFrame,
    shapes: readonly number[],
    position: NumberPosition,
    text: string,
  ) {
    super(context, parent);
    this.#shapes = shapes;
    this.#position = position;
    this.#text = text;
  }

  static at(
    context: JsonContext,
    parent: JsonFrame,
    shapes: readonly number[],
    position: NumberPosition | undefined,
    text: string,
  ): NumberFrame | null {
    if (position === undefined) return null;
    const left = shapes.filter((shape) => context.numberRule(shape).mayContinue(text, position));
    if (left.length === 0) return null;
    const known = left.every((shape) => context.numberRule(shape).isPlain) ? "" : text;
    const key = `n${parent.id}:${position.part}${position.digits}:${known}:${left.join()}`;
    return context.intern(key, () => new NumberFrame(context, parent, left, position, known));
  }

  /** Shapes that the number has if it ends here. */
  get #ended(): readonly number[] {
    if (!isWhole(this.#position)) return [];
    return this.#shapes.filter((shape) => {
      const rule = this.context.numberRule(shape);
      return rule.isPlain || rule.accepts(this.#text);
    });
  }

  override get isComplete(): boolean {
    return this.parent?.parent === undefined && this.#afterEnd !== null;
  }

  get #afterEnd(): JsonFrame | null {
    const ended = this.#ended;
    return ended.length === 0 || this.parent === undefined ? null : this.parent.received(ended);
  }

  protected derive(byte: number): JsonFrame | null {
    if (this.parent === undefined) return null;
    const position = readNumber(this.#position, byte);
    if (position !== undefined) {
      // The text is kept only while values matter, so that numbers of the same form are the same frame.
      const isKept = this.#text !== "" || this.#shapes.some((s) => !this.context.numberRule(s).isPlain);
      const text = isKept ? this.#text + String.fromCharCode(byte) : "";
      return NumberFrame.at(this.context, this.parent, this.#shapes, position, text);
    }
    return this.#afterEnd?.step(byte) ?? null;
  }

  received(): null {
    return null;
  }
}
