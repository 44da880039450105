import { type JsonContext, JsonFrame } from "./json-frame.ts";
import type { DigitRoom } from "./number-rule.ts";
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

/** What is known of a number so far: only its form; how many digits may follow; or all of it. */
interface KnownNumber {
  readonly text: string;
  readonly room: DigitRoom | undefined;
}

/** Within a number. It has no end of its own: whatever can't be part of it is the parent's. */
export class NumberFrame extends JsonFrame {
  /** Those of its form that the number may still have. */
  readonly #shapes: readonly number[];
  readonly #position: NumberPosition;
  readonly #known: KnownNumber;
  /** The place behind the number, found once for all bytes that may end it. */
  #after: JsonFrame | null | undefined;

  constructor(
    context: JsonContext,
    parent: JsonFrame,
    shapes: readonly number[],
    position: NumberPosition,
    known: KnownNumber,
  ) {
    super(context, parent);
    this.#shapes = shapes;
    this.#position = position;
    this.#known = known;
  }

  static begin(
    context: JsonContext,
    parent: JsonFrame,
    shapes: readonly number[],
    byte: number,
  ): NumberFrame | null {
    const position = readNumber(undefined, byte);
    if (position === undefined) return null;
    return NumberFrame.#read(context, parent, shapes, position, String.fromCharCode(byte));
  }

  /** Numbers of which the same is left are the same frame: the text is kept only while its digits matter. */
  static #read(
    context: JsonContext,
    parent: JsonFrame,
    shapes: readonly number[],
    position: NumberPosition,
    text: string,
  ): NumberFrame | null {
    const rules = shapes.map((shape) => context.numberRule(shape));
    const left = shapes.filter((_, index) => rules[index]?.mayContinue(text, position) === true);
    if (left.length === 0) return null;
    const [shape] = left;
    const isPlain = left.every((one) => context.numberRule(one).isPlain);
    const room =
      isPlain || left.length > 1 || shape === undefined
        ? undefined
        : context.numberRule(shape).room(text, position);
    const known = { text: isPlain || room !== undefined ? "" : text, room };
    return NumberFrame.#at(context, parent, left, position, known);
  }

  static #at(
    context: JsonContext,
    parent: JsonFrame,
    shapes: readonly number[],
    position: NumberPosition,
    known: KnownNumber,
  ): NumberFrame {
    // Where the room for digits is known, how many there are says no more.
    const digits = known.room === undefined ? position.digits : `-${known.room.least}-${known.room.most}`;
    const key = `n${parent.id}:${position.part}${digits}:${known.text}:${shapes.join()}`;
    return context.intern(key, () => new NumberFrame(context, parent, shapes, position, known));
  }

  /** Shapes that the number has if it ends here. */
  get #ended(): readonly number[] {
    const { room, text } = this.#known;
    if (!isWhole(this.#position)) return [];
    if (room !== undefined) return room.least === 0 ? this.#shapes : [];
    return this.#shapes.filter((shape) => {
      const rule = this.context.numberRule(shape);
      return rule.isPlain || rule.accepts(text);
    });
  }

  override get isComplete(): boolean {
    return this.parent?.parent === undefined && this.#afterEnd !== null;
  }

  get #afterEnd(): JsonFrame | null {
    if (this.#after === undefined) {
      const ended = this.#ended;
      this.#after = ended.length === 0 || this.parent === undefined ? null : this.parent.received(ended);
    }
    return this.#after;
  }

  protected derive(byte: number): JsonFrame | null {
    const { room, text } = this.#known;
    if (this.parent === undefined) return null;
    const position = readNumber(room === undefined ? this.#position : { ...this.#position, digits: 0 }, byte);
    if (position === undefined) return this.#afterEnd?.step(byte) ?? null;
    if (room !== undefined) return this.#within(room, position);
    // Of a plain number the text was not kept.
    const isKept = text !== "" || this.#shapes.some((shape) => !this.context.numberRule(shape).isPlain);
    const whole = isKept ? text + String.fromCharCode(byte) : "";
    return NumberFrame.#read(this.context, this.parent, this.#shapes, position, whole);
  }

  #within({ least, most }: DigitRoom, position: NumberPosition): JsonFrame | null {
    const { context, parent } = this;
    const [shape] = this.#shapes;
    if (parent === undefined || shape === undefined) return null;
    const at = (room: DigitRoom) =>
      NumberFrame.#at(context, parent, this.#shapes, position, { text: "", room });
    if (position.part === "point") {
      const { isInteger, maxFractionDigits } = context.numberRule(shape);
      return least === 0 && !isInteger ? at({ least: 1, most: maxFractionDigits }) : null;
    }
    if (position.part === "e" || most === 0) return null;
    return at({ least: Math.max(0, least - 1), most: most - 1 });
  }

  received(): null {
    return null;
  }
}
