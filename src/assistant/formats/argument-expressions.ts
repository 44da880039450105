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
  StringShape,
} from "../../inference/constraints/json-program.ts";
import type { ArgumentStyle, JsonType, TaggedStyle } from "./format.ts";
import { LiteralExpressions, reportArray, reportObject } from "./literal-expressions.ts";
import { python } from "./notations.ts";
import type { RuleBook, Unheld } from "./rule-book.ts";

/** A call's arguments, which a program describes as a JSON object, in the form that a model writes them in. */
export function argumentsExpression(
  program: JsonProgram,
  style: ArgumentStyle,
  rules: RuleBook,
  unheld: Unheld,
): Expression {
  switch (style.type) {
    case "json":
      return json(program);
    case "tagged":
      return new TaggedExpressions(program, style, rules, unheld).arguments();
    case "literals":
      return new LiteralExpressions(program, style, rules, unheld).arguments();
  }
}

class TaggedExpressions {
  readonly #style: TaggedStyle;
  readonly #rules: RuleBook;
  readonly #program: JsonProgram;
  readonly #literals: LiteralExpressions;
  readonly #scope: string;
  /** The program's nodes, and behind them choices of some of their shapes. */
  readonly #nodes: Array<readonly number[]>;
  readonly #parts: JsonProgram;

  readonly #unheld: Unheld;

  constructor(program: JsonProgram, style: TaggedStyle, rules: RuleBook, unheld: Unheld) {
    this.#program = program;
    this.#unheld = unheld;
    this.#style = style;
    this.#rules = rules;
    this.#scope = rules.scope();
    this.#literals = new LiteralExpressions(program, python, rules, {
      isPromise: unheld.isPromise,
      report: () => {},
    });
    this.#nodes = [...program.nodes];
    this.#parts = { ...program, nodes: this.#nodes };
  }

  arguments(): Expression {
    return choice(
      ...this.#shapes(0).flatMap((shape) => (shape.type === "object" ? [this.#object(shape)] : [])),
    );
  }

  #shapes(node: number): readonly Shape[] {
    return (this.#program.nodes[node] ?? []).flatMap((index) => this.#program.shapes[index] ?? []);
  }

  #object(shape: ObjectShape): Expression {
    const { names, nodes, required, others } = shape;
    reportObject(shape, this.#unheld);
    const named = names.map((name, index) => {
      const argument = this.#argument(text(name), nodes[index] ?? 0);
      return required[index] === true ? argument : repeat(argument, 0, 1);
    });
    const more = others.map(({ node }) => this.#argument(this.#anyKey(), node));
    return sequence(...named, ...(more.length > 0 ? [repeat(choice(...more), 0)] : []));
  }

  /** Up to what follows it, which is left to come. */
  #anyKey(): Expression {
    return this.#rules.named("key", () => repeat({ type: "characters", ranges: KEY_CHARACTERS }, 1, 64));
  }

  #argument(key: Expression, node: number): Expression {
    const { argument, kinds } = this.#style;
    const at = argument.findIndex(({ type }) => type === "value");
    const close = argument.slice(at + 1);
    const written = (kind: string, values: Expression) =>
      sequence(
        ...argument.slice(0, at).map((piece) => {
          if (piece.type === "text") return markup(piece.text);
          return piece.type === "key" ? key : markup(kind);
        }),
        values,
      );
    const closing = sequence(...close.map((piece) => (piece.type === "text" ? markup(piece.text) : key)));
    const options: Expression[] = [];
    const shapes = this.#shapes(node);
    const strings = shapes.filter((shape): shape is StringShape => shape.type === "string");
    if (strings.length > 0)
      options.push(
        written(kinds?.string ?? "", choice(...strings.map((shape) => this.#string(shape, key, closing)))),
      );
    const byKind = Map.groupBy(
      shapes.filter(({ type }) => type !== "string"),
      ({ type }) => kinds?.[type as JsonType] ?? "",
    );
    for (const [kind, others] of byKind)
      options.push(written(kind, sequence(this.#value(node, others), closing)));
    return choice(...options);
  }

  /** A text and what closes its argument. */
  #string(shape: StringShape, key: Expression, closing: Expression): Expression {
    if (shape.texts !== undefined) return sequence(choice(...shape.texts.map(text)), closing);
    const held = this.#rules.string(shape, this.#program, this.#unheld);
    if (held !== undefined) return sequence(held, closing);
    const { argument } = this.#style;
    const [first, ...rest] = argument.slice(argument.findIndex(({ type }) => type === "value") + 1);
    const close = first?.type === "text" ? first.text : "";
    const marker = close.trim();
    return sequence(
      this.#rules.named("text", () => anyTextUntil([{ text: marker }])),
      markup(close.slice(close.indexOf(marker) + marker.length)),
      ...rest.map((piece) => (piece.type === "text" ? markup(piece.text) : key)),
    );
  }

  /** A value other than a text, of some of a node's shapes: JSON, or as Python writes it. */
  #value(node: number, shapes: readonly Shape[]): Expression {
    if (this.#style.itemKey !== undefined) return this.#nested(node, shapes, this.#style.itemKey);
    return this.#literal(node, shapes);
  }

  #literal(node: number, shapes: readonly Shape[]): Expression {
    const own = (this.#program.nodes[node] ?? []).filter((index) =>
      shapes.some((shape) => shape === this.#program.shapes[index]),
    );
    const asJson = json(this.#parts, this.#nodes.push(own) - 1);
    return this.#style.isPython === true ? choice(asJson, ...this.#literals.others(node)) : asJson;
  }

  /** Objects and lists as arguments within an argument, others as literals. */
  #nested(node: number, shapes: readonly Shape[], itemKey: string): Expression {
    return this.#rules.named(`${this.#scope}.${node}`, () => {
      const simple = shapes.filter(({ type }) => type !== "array" && type !== "object");
      return choice(
        ...shapes.flatMap((shape) => {
          if (shape.type === "object") return [this.#object(shape)];
          return shape.type === "array" ? [this.#list(shape, itemKey)] : [];
        }),
        ...(simple.length > 0 ? [this.#literal(node, simple)] : []),
      );
    });
  }

  #list(shape: ArrayShape, itemKey: string): Expression {
    const { prefix, rest, minItems, maxItems } = shape;
    reportArray(shape, this.#unheld);
    const item = (node: number) => this.#argument(text(itemKey), node);
    const first = prefix.map((node, index) => repeat(item(node), index < minItems ? 1 : 0, 1));
    const after = (count: number) => Math.min(MAX_COUNTED, Math.max(0, count - prefix.length));
    const most = maxItems === undefined || maxItems > MAX_COUNTED ? undefined : after(maxItems);
    return sequence(...first, ...(rest < 0 ? [] : [repeat(item(rest), after(minItems), most)]));
  }
}

/** Items that are counted; a list that may be longer may be of any length. */
const MAX_COUNTED = 64;

/** No white space, quotes or brackets, which may be a marker's. */
const KEY_CHARACTERS = [
  [0x2d, 0x2e],
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
] as const;
