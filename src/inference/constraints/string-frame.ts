import { type JsonContext, JsonFrame } from "./json-frame.ts";
import type { TextState } from "./text-lexer.ts";

const QUOTE = 0x22;
/** Frames of one string that are kept to be met again. */
const MAX_FRAMES = 20_000;

/** What all places in one string share: where it stands, and what follows it. */
interface StringSite {
  readonly parent: JsonFrame;
  readonly isKey: boolean;
  /** The frame behind a string that ends in a state; null where it can't. */
  readonly after: (state: TextState) => JsonFrame | null;
  readonly frames: Map<TextState, StringFrame>;
}

/** Within a string: a value, or the name of a property. */
export class StringFrame extends JsonFrame {
  readonly text: TextState;
  readonly #site: StringSite;

  constructor(context: JsonContext, site: StringSite, text: TextState) {
    super(context, site.parent);
    this.text = text;
    this.#site = site;
  }

  /** A string that is a value of one of `shapes`. */
  static value(context: JsonContext, parent: JsonFrame, shapes: readonly number[]): StringFrame | null {
    if (shapes.length === 0) return null;
    return context.intern(`s${parent.id}:${shapes.join()}`, () => {
      const after = ({ endings }: TextState) => {
        const ended = endings.filter(({ isEscaped }) => !isEscaped);
        return ended.length === 0 ? null : parent.received(ended.map(({ form }) => shapes[form] as number));
      };
      const { start } = context.lexer(shapes);
      return new StringFrame(context, { parent, isKey: false, after, frames: new Map() }, start);
    });
  }

  /** The name of a property, from its first character on. `owner` is the frame on which it depends. */
  static key(
    context: JsonContext,
    parent: JsonFrame,
    owner: JsonFrame,
    start: TextState,
    after: (state: TextState) => JsonFrame | null,
  ): StringFrame {
    return context.intern(
      `k${owner.id}`,
      () => new StringFrame(context, { parent, isKey: true, after, frames: new Map() }, start),
    );
  }

  override get freeCharacters(): number {
    return this.text.freeCharacters;
  }

  override get isEndless(): boolean {
    return this.text.isEndless;
  }

  override get isDeclaredKey(): boolean {
    return this.#site.isKey && this.text.isListed;
  }

  override relaxed(characters: number): StringFrame {
    return this.#at(this.text.relaxed(characters));
  }

  protected derive(byte: number): JsonFrame | null {
    if (byte === QUOTE && this.text.isBetween) return this.#site.after(this.text);
    const text = this.text.step(byte);
    return text === null ? null : this.#at(text);
  }

  #at(text: TextState): StringFrame {
    if (text === this.text) return this;
    const { frames } = this.#site;
    let frame = frames.get(text);
    if (frame === undefined) {
      frame = new StringFrame(this.context, this.#site, text);
      if (frames.size >= MAX_FRAMES) frames.clear();
      frames.set(text, frame);
    }
    return frame;
  }

  received(): null {
    return null;
  }
}
