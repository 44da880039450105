import { LAST_CODE_POINT } from "../../inference/constraints/automaton.ts";
import {
  anyTextUntil,
  choice,
  type Expression,
  json,
  markup,
  repeat,
  sequence,
  text,
} from "../../inference/constraints/expression.ts";
import type {
  ArrayShape,
  JsonProgram,
  ObjectShape,
  Shape,
} from "../../inference/constraints/json-program.ts";
import type { LiteralStyle } from "./format.ts";
import type { RuleBook, Unheld } from "./rule-book.ts";
import { quoted } from "./written-calls.ts";

/** Items that are counted; a list that may be longer may be of any length. */
const MAX_COUNTED = 64;

/** Values of a program in a notation that is not JSON. */
export class LiteralExpressions {
  readonly #program: JsonProgram;
  readonly #nodes: Array<readonly number[]>;
  readonly #numbers: JsonProgram;
  readonly #style: LiteralStyle;
  readonly #rules: RuleBook;
  readonly #scope: string;

  readonly #unheld: Unheld;

  constructor(program: JsonProgram, style: LiteralStyle, rules: RuleBook, unheld: Unheld) {
    this.#unheld = unheld;
    this.#program = program;
    this.#nodes = [...program.nodes];
    this.#numbers = { ...program, nodes: this.#nodes };
    this.#style = style;
    this.#rules = rules;
    this.#scope = rules.scope();
  }

  /** The entries of the outermost object, without what stands around them. */
  arguments(): Expression {
    const shapes = this.#shapes(0).filter(({ type }) => type === "object") as readonly ObjectShape[];
    const { assign } = this.#style;
    return choice(
      ...shapes.map((shape, index) =>
        this.#entries(shape, `a${index}`, (name) => sequence(this.#bare(name), text(assign))),
      ),
    );
  }

  value(node: number): Expression {
    return this.#rules.named(`${this.#scope}.${node}`, () => {
      const numbers = (this.#program.nodes[node] ?? []).filter(
        (index) => this.#program.shapes[index]?.type === "number",
      );
      const ways = this.#shapes(node).flatMap((shape, index) => this.#shape(shape, `${node}.${index}`));
      return choice(
        ...ways,
        ...(numbers.length > 0 ? [json(this.#numbers, this.#nodes.push(numbers) - 1)] : []),
      );
    });
  }

  /** A node's values that are neither texts nor numbers; of a promise those alone that hold nothing else. */
  others(node: number): readonly Expression[] {
    return this.#shapes(node).flatMap((shape, index) => {
      const isCompound = shape.type === "array" || shape.type === "object";
      if (shape.type === "string" || (isCompound && this.#unheld.isPromise)) return [];
      return this.#shape(shape, `${node}.${index}`);
    });
  }

  #shapes(node: number): readonly Shape[] {
    return (this.#program.nodes[node] ?? []).flatMap((index) => this.#program.shapes[index] ?? []);
  }

  #shape(shape: Shape, place: string): Expression[] {
    const { words, quotesKeys, innerAssign } = this.#style;
    switch (shape.type) {
      case "null":
        return [text(words.null)];
      case "boolean":
        return [text(shape.value ? words.true : words.false)];
      case "number":
        return [];
      case "string":
        if (shape.automaton !== undefined || shape.minLength > 0 || shape.maxLength !== undefined)
          this.#unheld.report("the pattern or the length of a text");
        return shape.texts === undefined ? [this.#anyString()] : shape.texts.map((one) => this.#quoted(one));
      case "array":
        return [sequence(text("["), this.#items(shape, place), text("]"))];
      case "object": {
        const key = (name: string | undefined) =>
          sequence(
            quotesKeys ? (name === undefined ? this.#anyString() : this.#quoted(name)) : this.#bare(name),
            text(innerAssign),
          );
        return [sequence(text("{"), this.#entries(shape, place, key), text("}"))];
      }
    }
  }

  #bare(name: string | undefined): Expression {
    if (name !== undefined) return text(name);
    return this.#rules.named("word", () =>
      sequence(
        {
          type: "characters",
          ranges: [
            [0x41, 0x5a],
            [0x5f, 0x5f],
            [0x61, 0x7a],
          ],
        },
        repeat(
          {
            type: "characters",
            ranges: [
              [0x30, 0x39],
              [0x41, 0x5a],
              [0x5f, 0x5f],
              [0x61, 0x7a],
            ],
          },
          0,
          63,
        ),
      ),
    );
  }

  #entries(shape: ObjectShape, place: string, key: (name: string | undefined) => Expression): Expression {
    reportObject(shape, this.#unheld);
    const entries = shape.names.map((name, index) => ({
      item: sequence(key(name), this.value(shape.nodes[index] ?? 0)),
      isRequired: shape.required[index] === true,
    }));
    const others = shape.others.map(({ node }) => sequence(key(undefined), this.value(node)));
    return this.#separated(entries, others.length > 0 ? choice(...others) : undefined, place, false);
  }

  #items(shape: ArrayShape, place: string): Expression {
    const { prefix, rest, minItems, maxItems } = shape;
    reportArray(shape, this.#unheld);
    const counted = Math.max(prefix.length, Math.min(minItems, MAX_COUNTED));
    const isBounded = maxItems !== undefined && maxItems <= MAX_COUNTED;
    const length = isBounded ? maxItems : counted;
    const nodes = Array.from({ length }, (_, index) => prefix[index] ?? rest).filter((node) => node >= 0);
    const items = nodes.map((node, index) => ({ item: this.value(node), isRequired: index < minItems }));
    return this.#separated(items, isBounded || rest < 0 ? undefined : this.value(rest), place, true);
  }

  /** One after another; of a list (`isContiguous`) nothing may follow what is left out. */
  #separated(
    items: ReadonlyArray<{ readonly item: Expression; readonly isRequired: boolean }>,
    rest: Expression | undefined,
    place: string,
    isContiguous: boolean,
  ): Expression {
    const between = text(this.#style.between);
    const from = (index: number, follows: boolean): Expression => {
      const own = items[index];
      if (own === undefined) {
        if (rest === undefined) return text("");
        const more = repeat(sequence(between, rest), 0);
        return follows ? more : repeat(sequence(rest, more), 0, 1);
      }
      return this.#rules.named(`${this.#scope}.${place}.${index}${follows ? "f" : ""}`, () => {
        const taken = sequence(...(follows ? [between] : []), own.item, from(index + 1, true));
        if (own.isRequired) return taken;
        return choice(taken, isContiguous ? text("") : from(index + 1, follows));
      });
    };
    return from(0, false);
  }

  #quoted(value: string): Expression {
    return markup(quoted(value, this.#style));
  }

  #anyString(): Expression {
    return this.#rules.named(`string${this.#style.assign}`, () => {
      const { quotes, hasEscapes } = this.#style;
      if (!hasEscapes) {
        const [quote = ""] = quotes;
        return sequence(markup(quote), anyTextUntil([{ text: quote }]));
      }
      return choice(
        ...quotes.map((quote) => sequence(text(quote), repeat(escapedCharacter(quote), 0), text(quote))),
      );
    });
  }
}

/** Tells what of a list a form without JSON's own counting can't hold. */
export function reportArray({ isUnique, contains, minItems, maxItems }: ArrayShape, unheld: Unheld): void {
  if (isUnique === true || contains !== undefined) unheld.report("uniqueItems or contains");
  if (Math.max(minItems, maxItems ?? 0) > MAX_COUNTED) unheld.report("the length of a list");
}

export function reportObject(
  { required, minProperties, maxProperties, names, others, forbidden }: ObjectShape,
  unheld: Unheld,
): void {
  const least = required.filter(Boolean).length;
  if (minProperties > least || (maxProperties ?? Infinity) < names.length)
    unheld.report("the number of an object's properties");
  if (others.some(({ automaton }) => automaton !== undefined) || (others.length > 0 && forbidden.length > 0))
    unheld.report("the names of properties that are not listed");
}

/** A character of a Python text between such quotes. */
function escapedCharacter(quote: string): Expression {
  const code = quote.codePointAt(0) ?? 0;
  const [low, high] = [code, 0x5c];
  return choice(
    {
      type: "characters",
      ranges: [
        [0x20, low - 1],
        [low + 1, high - 1],
        [high + 1, LAST_CODE_POINT],
      ],
    },
    sequence(
      text("\\"),
      choice({
        type: "characters",
        ranges: [
          [0x22, 0x22],
          [0x27, 0x27],
          [0x5c, 0x5c],
          [0x6e, 0x6e],
          [0x72, 0x72],
          [0x74, 0x74],
        ],
      }),
    ),
  );
}
