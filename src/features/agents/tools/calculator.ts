import { InvalidRequestError } from "../../../errors.ts";
import { ownTool, type ServerTool } from "./server-tool.ts";

const MAX_LENGTH = 1_000;
const MAX_DEPTH = 100;

const functions: Readonly<Record<string, (x: number) => number>> = {
  abs: Math.abs,
  ceil: Math.ceil,
  cos: Math.cos,
  exp: Math.exp,
  floor: Math.floor,
  ln: Math.log,
  log: Math.log10,
  round: Math.round,
  sin: Math.sin,
  sqrt: Math.sqrt,
  tan: Math.tan,
};
const constants: Readonly<Record<string, number>> = { pi: Math.PI, e: Math.E };

export const calculator: ServerTool = ownTool(
  {
    name: "calculator",
    description: `Computes an arithmetic expression, such as "(12.5 + 3) * 2^10 / sqrt(7)". Knows + - * / % ^ and ${Object.keys(functions).join(", ")}, pi, e.`,
    properties: { expression: { type: "string", minLength: 1, maxLength: MAX_LENGTH } },
  },
  "read",
  async ({ expression }) => String(calculate(String(expression))),
);

/** The value of an arithmetic expression. @throws InvalidRequestError that says where it can't be read */
export function calculate(expression: string): number {
  if (expression.length > MAX_LENGTH)
    throw new InvalidRequestError(`An expression has at most ${MAX_LENGTH} characters.`);
  const parser = new Parser(expression);
  const value = parser.sum(0);
  parser.end();
  if (!Number.isFinite(value)) throw new InvalidRequestError("The result is not a finite number.");
  return Number(value.toPrecision(15));
}

/** Sums of products of signed powers, by descent; a power binds to the right and before the sign in front of it. */
class Parser {
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(text: string) {
    this.#tokens =
      text.match(/\d[\d_]*\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|[A-Za-z]+|\*\*|\S/g) ?? [];
  }

  sum(depth: number): number {
    if (depth > MAX_DEPTH) throw new InvalidRequestError("The expression is nested too deep.");
    let value = this.#product(depth);
    for (;;) {
      if (this.#take("+")) value += this.#product(depth);
      else if (this.#take("-")) value -= this.#product(depth);
      else return value;
    }
  }

  end(): void {
    if (this.#at < this.#tokens.length) throw this.#unexpected();
  }

  #product(depth: number): number {
    let value = this.#signed(depth);
    for (;;) {
      if (this.#take("*")) value *= this.#signed(depth);
      else if (this.#take("/")) value /= this.#signed(depth);
      else if (this.#take("%")) value %= this.#signed(depth);
      else return value;
    }
  }

  #signed(depth: number): number {
    let sign = 1;
    while (this.#peek === "-" || this.#peek === "+") if (this.#tokens[this.#at++] === "-") sign = -sign;
    const base = this.#value(depth);
    const isPower = this.#take("^") || this.#take("**");
    return sign * (isPower ? base ** this.#power(depth + 1) : base);
  }

  #power(depth: number): number {
    if (depth > MAX_DEPTH) throw new InvalidRequestError("The expression is nested too deep.");
    return this.#signed(depth);
  }

  #value(depth: number): number {
    const token = this.#peek;
    if (token === undefined) throw new InvalidRequestError("The expression ends too early.");
    if (/^[\d.]/.test(token) && token !== ".") {
      this.#at++;
      return Number(token.replaceAll("_", ""));
    }
    if (this.#take("(")) return this.#closed(depth);
    const constant = Object.hasOwn(constants, token) ? constants[token] : undefined;
    const apply = Object.hasOwn(functions, token) ? functions[token] : undefined;
    if (constant === undefined && apply === undefined) throw this.#unexpected();
    this.#at++;
    if (constant !== undefined) return constant;
    if (!this.#take("(") || apply === undefined) throw this.#unexpected();
    return apply(this.#closed(depth));
  }

  #closed(depth: number): number {
    const value = this.sum(depth + 1);
    if (!this.#take(")")) throw this.#unexpected();
    return value;
  }

  get #peek(): string | undefined {
    return this.#tokens[this.#at];
  }

  #take(token: string): boolean {
    const isNext = this.#peek === token;
    if (isNext) this.#at++;
    return isNext;
  }

  #unexpected(): InvalidRequestError {
    const token = this.#peek;
    return new InvalidRequestError(
      token === undefined
        ? "The expression ends too early."
        : `${JSON.stringify(token)} can't be read there.`,
    );
  }
}
