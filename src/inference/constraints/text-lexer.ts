import { State } from "./state.ts";
import { isEscape, mayBecome, type PartialCharacter, readString } from "./string-text.ts";
import { escaped, keyOf, needsEscape, type TextEnding, type TextForm, type TextItem } from "./text-form.ts";
import { endingAt, goesOnWithin, narrow, wholeList } from "./text-list.ts";

/** Lengths that no longer matter: enough characters are there and any number may follow; or far too few are. */
const ENOUGH = -1;
const FAR_TOO_FEW = -2;

/** States that are kept to be met again. Past them all are forgotten; those in use live on. */
const MAX_STATES = 30_000;

/**
 * Reads the inside of strings that have one of some forms: an automaton of its own, whose states do not know what is
 * around the string. All places where strings of the same forms may stand share it, and with it what tokens may follow.
 */
export class TextLexer {
  readonly forms: readonly TextForm[];
  /** Listed texts are not escaped more than JSON wants. */
  readonly isPlainlyWritten: boolean;
  readonly start: TextState;
  readonly #states = new Map<string, TextState>();
  /** States of one form whose length does not matter, by their place in it. */
  readonly #simple = new Map<number, TextState>();

  constructor(forms: readonly TextForm[], isPlainlyWritten: boolean) {
    this.forms = forms;
    this.isPlainlyWritten = isPlainlyWritten;
    const items = forms.map(
      ({ texts }, form): TextItem => ({
        form,
        state: 0,
        range: texts === undefined ? undefined : wholeList(texts),
        isEscaped: false,
      }),
    );
    this.start = this.#make(items, 0, undefined);
  }

  /** States that are kept. */
  get size(): number {
    return this.#states.size + this.#simple.size;
  }

  form({ form }: TextItem): TextForm {
    return this.forms[form] as TextForm;
  }

  /** Null where no form is left that is wanted. */
  at(
    items: readonly TextItem[],
    exactLength: number,
    partial: PartialCharacter | undefined,
  ): TextState | null {
    return items.some((item) => this.isLiving(item)) ? this.#make(items, exactLength, partial) : null;
  }

  /** Whether an item leads to a text that is wanted. */
  isLiving(item: TextItem): boolean {
    const { range, isEscaped } = item;
    if (range === undefined) return true;
    if (isEscaped) return false;
    const { isWanted } = this.form(item);
    if (isWanted === undefined) return range.low < range.high;
    for (let index = range.low; index < range.high; index++) if (isWanted(index)) return true;
    return false;
  }

  #make(items: readonly TextItem[], exactLength: number, partial: PartialCharacter | undefined): TextState {
    const isBounded = (item: TextItem) => {
      const { minLength, maxLength } = this.form(item);
      return maxLength !== undefined || exactLength < minLength;
    };
    const length = exactLength < 0 || items.some(isBounded) ? exactLength : ENOUGH;
    const simple = length === ENOUGH && partial === undefined ? this.#simpleKey(items) : -1;
    let state = simple >= 0 ? this.#simple.get(simple) : undefined;
    if (state !== undefined) return state;
    const key = simple >= 0 ? "" : keyOf(items, length, partial);
    state = simple >= 0 ? undefined : this.#states.get(key);
    if (state !== undefined) return state;
    if (this.#states.size + this.#simple.size >= MAX_STATES) {
      this.#states.clear();
      this.#simple.clear();
    }
    state = new TextState(this, items, length, partial);
    if (simple >= 0) this.#simple.set(simple, state);
    else this.#states.set(key, state);
    return state;
  }

  /** -1 where one number does not describe the state. */
  #simpleKey(items: readonly TextItem[]): number {
    const [item] = items;
    if (item === undefined || items.length > 1 || item.isEscaped || this.forms.length > 1) return -1;
    if (item.range === undefined) return item.state;
    const { low, high, depth } = item.range;
    // A range of a sorted list of texts that are alike so far: where it begins and how deep it is determine its end.
    return low === high ? -1 : depth * 2 ** 24 + low;
  }
}

/** A place in a string, whatever is around it. */
export class TextState extends State {
  readonly lexer: TextLexer;
  readonly items: readonly TextItem[];
  readonly #length: number;
  /** Of the character that has begun. */
  readonly #partial: PartialCharacter | undefined;
  #endings: readonly TextEnding[] | undefined;

  constructor(
    lexer: TextLexer,
    items: readonly TextItem[],
    length: number,
    partial: PartialCharacter | undefined,
  ) {
    super();
    this.lexer = lexer;
    this.items = items;
    this.#length = length;
    this.#partial = partial;
  }

  /** Strings end with a quotation mark, which is not part of their inside. */
  get isComplete(): boolean {
    return false;
  }

  /** Whether the next byte begins a character, or ends the string. */
  get isBetween(): boolean {
    return this.#partial === undefined;
  }

  /** Forms that the string has if it ends here, listed texts that are not wanted among them. */
  get endings(): readonly TextEnding[] {
    this.#endings ??= this.items.flatMap((item) => this.#ending(item) ?? []);
    return this.#endings;
  }

  override get freeCharacters(): number {
    if (this.#partial !== undefined) return 0;
    let most = 0;
    for (const item of this.items) {
      const { automaton, texts, maxLength } = this.lexer.form(item);
      if (texts !== undefined || (automaton !== undefined && !automaton.loops(item.state))) continue;
      const left = maxLength === undefined ? Number.POSITIVE_INFINITY : maxLength - this.#length;
      most = Math.max(most, this.#length < 0 ? Number.POSITIVE_INFINITY : left);
    }
    return most;
  }

  /** A state that allows the same tokens, where none is longer than `characters`; it has fewer siblings. */
  override relaxed(characters: number): TextState {
    const length = this.#length;
    if (length < 0) return this;
    let relaxedLength: number | undefined;
    for (const item of this.items) {
      const { automaton, minLength, maxLength } = this.lexer.form(item);
      if (automaton !== undefined || (maxLength !== undefined && maxLength - length <= characters))
        return this;
      const state = length >= minLength ? ENOUGH : minLength - length > characters ? FAR_TOO_FEW : undefined;
      if (state === undefined || (relaxedLength !== undefined && relaxedLength !== state)) return this;
      relaxedLength = state;
    }
    if (relaxedLength === undefined) return this;
    return this.lexer.at(this.items, relaxedLength, this.#partial) ?? this;
  }

  /** Whether there is no end of texts that the string may still become. */
  get isEndless(): boolean {
    // Within a character, only what it may still become counts.
    if (!this.isBetween) return false;
    return this.items.some((item) => {
      const { automaton, maxLength } = this.lexer.form(item);
      if (item.range !== undefined || maxLength !== undefined) return false;
      return automaton === undefined || automaton.longest[item.state] === Number.POSITIVE_INFINITY;
    });
  }

  /** Whether it may still become one of listed texts that are wanted. */
  get isListed(): boolean {
    return this.items.some((item) => item.range !== undefined && this.lexer.isLiving(item));
  }

  protected derive(byte: number): TextState | null {
    const read = readString(this.#partial, byte);
    switch (read?.type) {
      case undefined:
      case "end":
        return null;
      case "partial": {
        const { partial } = read;
        const left = this.items.flatMap((item) => this.#within(item, partial));
        return this.lexer.at(left, this.#length, partial);
      }
      case "character": {
        const { codePoint } = read;
        const length = this.#length < 0 ? this.#length : this.#length + 1;
        const isNeedless = this.#partial !== undefined && isEscape(this.#partial) && !needsEscape(codePoint);
        const left: TextItem[] = [];
        for (const item of this.items) {
          const next = this.#after(item, codePoint, length, isNeedless);
          if (next !== undefined) left.push(next);
        }
        return this.lexer.at(left, length, undefined);
      }
    }
  }

  #ending(item: TextItem): TextEnding | undefined {
    const { automaton, texts, minLength } = this.lexer.form(item);
    const length = this.#length;
    if (length === FAR_TOO_FEW || (length >= 0 && length < minLength)) return undefined;
    const { form, range, isEscaped } = item;
    if (range !== undefined) {
      const text = endingAt(texts ?? [], range);
      return text < 0 ? undefined : { form, text, isEscaped };
    }
    const isAccepted = automaton === undefined || automaton.accepts(item.state);
    return isAccepted ? { form, text: undefined, isEscaped } : undefined;
  }

  /** Whether an item's text continues with what a character may still become; one that needs no escape is marked. */
  #within(item: TextItem, partial: PartialCharacter): readonly TextItem[] {
    const { automaton, texts, maxLength } = this.lexer.form(item);
    const { range } = item;
    if (range !== undefined) {
      const goesOn = (from: number, to: number) => goesOnWithin(texts ?? [], range, from, to);
      if (!mayBecome(partial, goesOn)) return [];
      const isNeedless =
        this.lexer.isPlainlyWritten &&
        isEscape(partial) &&
        !mayBecome(partial, (from, to) =>
          escaped.some(
            ([first, last]) =>
              first <= to && from <= last && goesOn(Math.max(from, first), Math.min(to, last)),
          ),
        );
      return [isNeedless ? { ...item, isEscaped: true } : item];
    }
    const left =
      maxLength === undefined || this.#length < 0 ? Number.POSITIVE_INFINITY : maxLength - this.#length;
    if (left < 1) return [];
    const goesOn =
      automaton === undefined ||
      mayBecome(partial, (from, to) => automaton.continuesWithin(item.state, from, to));
    return goesOn ? [item] : [];
  }

  #after(item: TextItem, codePoint: number, length: number, isNeedless: boolean): TextItem | undefined {
    const { automaton, texts, minLength, maxLength } = this.lexer.form(item);
    if (item.range !== undefined) {
      const range = narrow(texts ?? [], item.range, codePoint);
      if (range.low >= range.high) return undefined;
      const isEscaped = item.isEscaped || (isNeedless && this.lexer.isPlainlyWritten);
      return { form: item.form, state: item.state, range, isEscaped };
    }
    const left = maxLength === undefined || length < 0 ? Number.POSITIVE_INFINITY : maxLength - length;
    if (left < 0) return undefined;
    if (automaton === undefined) return item;
    const state = automaton.next(item.state, codePoint);
    if (state < 0 || (automaton.shortest[state] as number) > left) return undefined;
    if (length >= 0 && (automaton.longest[state] as number) < minLength - length) return undefined;
    return state === item.state ? item : { form: item.form, state, range: undefined, isEscaped: false };
  }
}

/** Any string. */
export const freeLexer = new TextLexer([{ minLength: 0 }], false);
