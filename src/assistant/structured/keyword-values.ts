import { type Decimal, parseDecimal } from "../../inference/constraints/decimal.ts";
import { type Draft, isObject, type Located, type SchemaObject } from "./document.ts";
import { malformed, UnsupportedKeywordError } from "./errors.ts";
import { type Language, patternLanguage } from "./language.ts";
import { TYPE } from "./part.ts";
import { RegexError } from "./regex-syntax.ts";
import { formatPattern } from "./text-formats.ts";

/** Bounds beyond mean none: no text here comes near them. */
const HUGE = 2 ** 24;

/** Keywords that change what others say, by the first draft that knows them. */
const since: ReadonlyMap<string, Draft> = new Map([
  ["prefixItems", 2020],
  ["minContains", 2019],
  ["maxContains", 2019],
]);

/** A keyword's value, read as what it must be. Each throws InvalidRequestError where it is something else. */
export class KeywordValues {
  readonly schema: SchemaObject;
  readonly path: string;

  readonly #draft: Draft;

  constructor(schema: SchemaObject, { path, draft }: Pick<Located, "path" | "draft">) {
    this.schema = schema;
    this.path = path;
    this.#draft = draft;
  }

  #refuse(keyword: string, what: string): never {
    throw malformed(`${this.path}.${keyword}`, what);
  }

  /** Whether the schema contains it, and its draft knows it. */
  has(keyword: string): boolean {
    if ((since.get(keyword) ?? 4) > this.#draft) return false;
    return Object.hasOwn(this.schema, keyword) && this.schema[keyword] !== undefined;
  }

  /**
   * The keyword that lists the schemas of the first items. Drafts before 2020 say `items` for it, and `additionalItems`
   * for what follows.
   */
  get tuple(): "prefixItems" | "items" | undefined {
    if (this.has("prefixItems")) return "prefixItems";
    return Array.isArray(this.schema["items"]) ? "items" : undefined;
  }

  /** A least or greatest count; undefined where it is so large that nothing has as many. */
  count(keyword: string): number | undefined {
    const value = this.schema[keyword];
    if (typeof value !== "number" || !Number.isInteger(value) || value < 0)
      this.#refuse(keyword, "a whole number of at least 0");
    return value > HUGE ? undefined : value;
  }

  least(keyword: string): number {
    const count = this.count(keyword);
    if (count === undefined) throw new UnsupportedKeywordError(this.path, keyword, `${HUGE} is the most`);
    return count;
  }

  decimal(keyword: string): Decimal {
    const value = this.schema[keyword];
    if (typeof value !== "number" || !Number.isFinite(value)) this.#refuse(keyword, "a number");
    return parseDecimal(String(value));
  }

  step(keyword: string): Decimal {
    const step = this.decimal(keyword);
    return step.digits > 0n ? step : this.#refuse(keyword, "a number above 0");
  }

  text(keyword: string): string {
    const value = this.schema[keyword];
    return typeof value === "string" ? value : this.#refuse(keyword, "a text");
  }

  texts(keyword: string): readonly string[] {
    const value = this.schema[keyword];
    const isList = Array.isArray(value) && value.every((item) => typeof item === "string");
    return isList ? value : this.#refuse(keyword, "a list of property names");
  }

  list(keyword: string): readonly unknown[] {
    const value = this.schema[keyword];
    return Array.isArray(value) ? value : this.#refuse(keyword, "a list");
  }

  map(keyword: string): SchemaObject {
    const value = this.schema[keyword];
    return isObject(value) ? value : this.#refuse(keyword, "an object");
  }

  /** As a mask of types; whether numbers must be whole. */
  types(): { readonly mask: number; readonly isWhole: boolean } {
    const value = this.schema["type"];
    let mask = 0;
    let names: readonly unknown[] = Array.isArray(value) ? value : [value];
    if (names.length === 0) this.#refuse("type", "a type, or a list of them");
    for (const name of names) {
      switch (name) {
        case "boolean":
          mask |= TYPE.true | TYPE.false;
          break;
        case "integer":
          mask |= TYPE.number;
          break;
        case "null":
        case "number":
        case "string":
        case "array":
        case "object":
          mask |= TYPE[name];
          break;
        default:
          this.#refuse(
            "type",
            "one of string, number, integer, boolean, null, object, array, or a list of them",
          );
      }
    }
    names = names.filter((name) => name === "integer" || name === "number");
    return { mask, isWhole: names.includes("integer") && !names.includes("number") };
  }

  pattern(keyword: string, pattern = this.text(keyword)): string {
    languageOf(pattern, this.path, keyword);
    return pattern;
  }

  /** Undefined where the format is not known. */
  format(): string | undefined {
    return formatPattern(this.text("format"));
  }
}

/** @throws UnsupportedKeywordError when the pattern has what no automaton can hold */
export function languageOf(pattern: string, path: string, keyword: string): Language {
  try {
    return patternLanguage(pattern);
  } catch (error) {
    if (!(error instanceof RegexError)) throw error;
    throw new UnsupportedKeywordError(path, keyword, `${error.message} can't be held in a pattern`);
  }
}
