import { type JsonContext, JsonFrame } from "./json-frame.ts";
import type { KeyChoice, KeyChoices } from "./object-entry.ts";
import { mayBecome, type PartialCharacter, readString } from "./string-text.ts";
import { endingAt, goesOnWithin, narrow, type TextRange, wholeList } from "./text-list.ts";

/** Another property that the key may still be of: its index, and the place in its automaton. */
interface OtherKey {
  readonly index: number;
  readonly state: number;
}

type AfterKey = (parent: JsonFrame, choices: readonly KeyChoice[]) => JsonFrame | null;

/** Within the name of a property. */
export class KeyFrame extends JsonFrame {
  readonly #choices: KeyChoices;
  readonly #after: AfterKey;
  readonly #range: TextRange;
  readonly #others: readonly OtherKey[];
  readonly #partial: PartialCharacter | undefined;
  /** The frame of the key's first character, which stands for `choices`. */
  readonly #first: KeyFrame;

  constructor(
    context: JsonContext,
    parent: JsonFrame,
    choices: KeyChoices,
    after: AfterKey,
    range: TextRange,
    others: readonly OtherKey[],
    partial: PartialCharacter | undefined,
    first?: KeyFrame,
  ) {
    super(context, parent);
    this.#choices = choices;
    this.#after = after;
    this.#range = range;
    this.#others = others;
    this.#partial = partial;
    this.#first = first ?? this;
  }

  /** `owner` is the object's frame, on which the choices depend. */
  static begin(
    context: JsonContext,
    parent: JsonFrame,
    owner: JsonFrame,
    choices: KeyChoices,
    after: AfterKey,
  ): KeyFrame | null {
    const others = choices.others.map((_, index) => ({ index, state: 0 }));
    if (choices.texts.length + others.length === 0) return null;
    return context.intern(
      `K${owner.id}`,
      () => new KeyFrame(context, parent, choices, after, wholeList(choices.texts), others, undefined),
    );
  }

  #at(range: TextRange, others: readonly OtherKey[], partial: PartialCharacter | undefined): KeyFrame | null {
    const { context, parent } = this;
    if (parent === undefined || (others.length === 0 && !this.#hasName(range))) return null;
    // Behind the last text that it could have been, how long the key is does not matter.
    const place = range.low < range.high ? `${range.low}-${range.high}-${range.depth}` : "";
    const within =
      partial === undefined ? "" : `${partial.kind}${partial.left},${partial.from},${partial.to}`;
    const states = others.map(({ index, state }) => `${index}.${state}`);
    const key = `k${this.#first.id}:${within}:${place}:${states.join()}`;
    return context.intern(
      key,
      () => new KeyFrame(context, parent, this.#choices, this.#after, range, others, partial, this.#first),
    );
  }

  #hasName({ low, high }: TextRange): boolean {
    for (let index = low; index < high; index++) {
      if ((this.#choices.named[index]?.length ?? 0) > 0) return true;
    }
    return false;
  }

  override get freeCharacters(): number {
    if (this.#partial !== undefined) return 0;
    const isFree = ({ index }: OtherKey) => this.#choices.others[index]?.automaton === undefined;
    return this.#others.some(isFree) ? Number.POSITIVE_INFINITY : 0;
  }

  protected derive(byte: number): JsonFrame | null {
    const read = readString(this.#partial, byte);
    switch (read?.type) {
      case undefined:
        return null;
      case "end":
        return this.#end();
      case "partial": {
        const { partial } = read;
        const others = this.#others.filter((other) =>
          mayBecome(partial, (from, to) => this.#takes(other, from, to)),
        );
        const mayBeNamed = mayBecome(partial, (from, to) =>
          goesOnWithin(this.#choices.texts, this.#range, from, to),
        );
        return this.#at(
          mayBeNamed ? this.#range : { ...this.#range, high: this.#range.low },
          others,
          partial,
        );
      }
      case "character": {
        const range = narrow(this.#choices.texts, this.#range, read.codePoint);
        const others = this.#others.flatMap((other) => this.#next(other, read.codePoint));
        return this.#at(range, others, undefined);
      }
    }
  }

  #takes({ index, state }: OtherKey, from: number, to: number): boolean {
    const automaton = this.#choices.others[index]?.automaton;
    return automaton === undefined || this.context.automaton(automaton).continuesWithin(state, from, to);
  }

  #next({ index, state }: OtherKey, codePoint: number): readonly OtherKey[] {
    const automaton = this.#choices.others[index]?.automaton;
    if (automaton === undefined) return [{ index, state }];
    const next = this.context.automaton(automaton).next(state, codePoint);
    return next < 0 ? [] : [{ index, state: next }];
  }

  #end(): JsonFrame | null {
    if (this.parent === undefined) return null;
    const found = endingAt(this.#choices.texts, this.#range);
    const text = found < 0 ? undefined : this.#choices.texts[found];
    const choices = [...(found < 0 ? [] : (this.#choices.named[found] ?? []))];
    for (const { index, state } of this.#others) {
      const other = this.#choices.others[index];
      if (other === undefined || (text !== undefined && other.excluded.has(text))) continue;
      const { automaton, after, node } = other;
      if (automaton === undefined || this.context.automaton(automaton).accepts(state))
        choices.push({ after, node });
    }
    return choices.length === 0 ? null : this.#after(this.parent, choices);
  }

  received(): null {
    return null;
  }
}
