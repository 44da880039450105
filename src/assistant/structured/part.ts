import { commonMultiple, compare, type Decimal, parseDecimal } from "../../inference/constraints/decimal.ts";
import type { Located } from "./document.ts";

/** A schema that holds for a value, or one that must not. */
export interface Literal {
  readonly located: Located;
  readonly isNegated: boolean;
}

/** A literal in the place where it was taken up, and what it was taken up for. */
export interface Application extends Literal {
  readonly from: Application | undefined;
}

export const TYPE = {
  null: 1,
  true: 2,
  false: 4,
  number: 8,
  string: 16,
  array: 32,
  object: 64,
} as const;
export const ALL_TYPES = 127;

export interface Bound {
  readonly value: Decimal;
  readonly isExcluded: boolean;
}

/** What a property's value must be, for some of the properties. */
export type KeyRule = { readonly literal: Literal; readonly by: Application | undefined } & (
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "pattern"; readonly pattern: string }
  | {
      readonly kind: "rest";
      readonly names: ReadonlySet<string>;
      readonly patterns: readonly string[];
    }
);

export interface ContainsPart {
  readonly literal: Literal;
  /** Items before this one do not count. */
  readonly from: number;
  readonly min: number;
  readonly max: number | undefined;
}

/** One way in which a disjunction can hold. */
export type Action =
  | { readonly type: "apply"; readonly application: Application }
  | { readonly type: "narrow"; readonly narrow: (part: Part) => void };

/** A conjunction of what schemas say of one value, type by type; disjunctions wait until all else is known. */
export class Part {
  types = ALL_TYPES;
  min: Bound | undefined;
  max: Bound | undefined;
  step: Decimal | undefined;
  isFractional = false;
  numbers: readonly string[] | undefined;
  notNumbers: readonly string[] = [];
  minLength = 0;
  maxLength: number | undefined;
  /** Patterns by source, `!` before those that must not match. */
  patterns: readonly string[] = [];
  texts: readonly string[] | undefined;
  notTexts: readonly string[] = [];
  items: ReadonlyArray<{
    readonly literal: Literal;
    readonly index: number;
    readonly isRest: boolean;
    readonly by: Application | undefined;
  }> = [];
  minItems = 0;
  maxItems: number | undefined;
  isUnique = false;
  contains: readonly ContainsPart[] = [];
  keyRules: readonly KeyRule[] = [];
  nameRules: readonly Literal[] = [];
  /** In the order in which they were named. */
  required: readonly string[] = [];
  forbidden: readonly string[] = [];
  minProperties = 0;
  maxProperties: number | undefined;
  /** Some property beside these must break the rule. */
  someOther: ReadonlyArray<{
    readonly names: ReadonlySet<string>;
    readonly patterns: readonly string[];
    readonly literal: Literal;
  }> = [];
  unevaluated: ReadonlyArray<{
    readonly kind: "properties" | "items";
    readonly literal: Literal;
    readonly by: Application;
  }> = [];
  choices: ReadonlyArray<readonly (readonly Action[])[]> = [];
  work: readonly Application[] = [];

  copy(): Part {
    return Object.assign(new Part(), this);
  }

  narrowTypes(types: number): void {
    this.types &= types;
  }

  atLeast(value: Decimal, isExcluded: boolean): void {
    const order = this.min === undefined ? 1 : compare(value, this.min.value);
    if (order > 0 || (order === 0 && isExcluded)) this.min = { value, isExcluded };
  }

  atMost(value: Decimal, isExcluded: boolean): void {
    const order = this.max === undefined ? -1 : compare(value, this.max.value);
    if (order < 0 || (order === 0 && isExcluded)) this.max = { value, isExcluded };
  }

  multipleOf(step: Decimal): void {
    this.step = this.step === undefined ? step : commonMultiple(this.step, step);
  }

  whole(): void {
    this.multipleOf(parseDecimal("1"));
  }

  oneOfNumbers(numbers: readonly string[]): void {
    this.numbers = this.numbers?.filter((number) => numbers.includes(number)) ?? numbers;
  }

  oneOfTexts(texts: readonly string[]): void {
    const wanted = new Set(texts);
    this.texts = this.texts?.filter((text) => wanted.has(text)) ?? texts;
  }

  match(pattern: string, isNegated: boolean): void {
    const key = isNegated ? `!${pattern}` : `=${pattern}`;
    if (!this.patterns.includes(key)) this.patterns = [...this.patterns, key];
  }

  require(name: string): void {
    if (!this.required.includes(name)) this.required = [...this.required, name];
  }

  requireAll(names: readonly string[]): void {
    this.required = [...new Set([...this.required, ...names])];
  }

  forbid(name: string): void {
    if (!this.forbidden.includes(name)) this.forbidden = [...this.forbidden, name];
  }

  rule(...rules: readonly KeyRule[]): void {
    this.keyRules = this.keyRules.concat(rules);
  }

  apply(application: Application): void {
    this.work = [...this.work, application];
  }

  choose(branches: readonly (readonly Action[])[]): void {
    this.choices = [...this.choices, branches];
  }

  lengths(min: number, max: number | undefined): void {
    this.minLength = Math.max(this.minLength, min);
    this.maxLength = least(this.maxLength, max);
  }

  itemCounts(min: number, max: number | undefined): void {
    this.minItems = Math.max(this.minItems, min);
    this.maxItems = least(this.maxItems, max);
  }

  propertyCounts(min: number, max: number | undefined): void {
    this.minProperties = Math.max(this.minProperties, min);
    this.maxProperties = least(this.maxProperties, max);
  }

  /** Takes out types of which it is plain that no value is left. */
  tighten(): void {
    if (this.numbers?.length === 0) this.narrowTypes(~TYPE.number);
    if (this.min !== undefined && this.max !== undefined) {
      const order = compare(this.min.value, this.max.value);
      if (order > 0 || (order === 0 && (this.min.isExcluded || this.max.isExcluded)))
        this.narrowTypes(~TYPE.number);
    }
    if (this.texts?.length === 0 || this.minLength > (this.maxLength ?? this.minLength))
      this.narrowTypes(~TYPE.string);
    if (this.minItems > (this.maxItems ?? this.minItems)) this.narrowTypes(~TYPE.array);
    const required = new Set(this.required);
    const isTorn = this.forbidden.some((name) => required.has(name));
    const most = this.maxProperties ?? Number.POSITIVE_INFINITY;
    if (isTorn || this.required.length > most || this.minProperties > most) this.narrowTypes(~TYPE.object);
  }
}

function least(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined ? b : b === undefined ? a : Math.min(a, b);
}
