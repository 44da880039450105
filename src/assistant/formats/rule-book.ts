import { AutomatonRunner, LAST_CODE_POINT } from "../../inference/constraints/automaton.ts";
import { choice, type Expression, repeat, sequence, text } from "../../inference/constraints/expression.ts";
import type { JsonProgram, StringShape } from "../../inference/constraints/json-program.ts";

/** Characters that a length is counted up to; past that a text's length is left to the model. */
const MAX_COUNTED = 400;

/** Called with what of a schema a form can't hold. */
export interface Unheld {
  /** The schema is a promise: nothing looser than it may be taken. */
  readonly isPromise: boolean;
  /** @throws UnsupportedKeywordError where it is a promise */
  report(what: string): void;
}

/** The named rules of a form, as they are found to be needed. */
export class RuleBook {
  readonly rules: Record<string, Expression> = {};
  #scopes = 0;

  /** A name for the rules of one value's description, which no other has. */
  scope(): string {
    return `s${this.#scopes++}`;
  }

  /** A reference to a rule, which is made at its first use. */
  named(name: string, make: () => Expression): Expression {
    if (!Object.hasOwn(this.rules, name)) {
      // What refers to itself finds its name taken.
      this.rules[name] = text("");
      this.rules[name] = make();
    }
    return { type: "rule", name };
  }

  /** Texts of a shape, as they are; undefined where it says nothing of them that could be held. `unheld` is called with what can't be. */
  string(
    { automaton: index, minLength, maxLength }: StringShape,
    program: JsonProgram,
    unheld: Unheld,
  ): Expression | undefined {
    const automaton = index === undefined ? undefined : program.automata[index];
    const isLong = minLength > MAX_COUNTED || (maxLength ?? 0) > MAX_COUNTED;
    const isLimited = minLength > 0 || maxLength !== undefined;
    if (isLong || (isLimited && automaton !== undefined)) unheld.report("the length of a text");
    if (automaton !== undefined) {
      const scope = this.scope();
      const runner = new AutomatonRunner(automaton);
      const state = (number: number): Expression =>
        this.named(`${scope}.${number}`, () => {
          const targets = new Map<number, Array<readonly [number, number]>>();
          for (const [range, from] of automaton.starts.entries()) {
            const target = runner.next(number, from);
            const ranges = targets.get(target) ?? [];
            ranges.push([from, (automaton.starts[range + 1] ?? LAST_CODE_POINT + 1) - 1]);
            targets.set(target, ranges);
          }
          targets.delete(-1);
          const ways = [...targets].map(([to, ranges]) =>
            sequence({ type: "characters", ranges }, state(to)),
          );
          return choice(...ways, ...(runner.accepts(number) ? [text("")] : []));
        });
      return state(0);
    }
    if (!isLimited || isLong) return undefined;
    return repeat({ type: "characters", ranges: [[1, LAST_CODE_POINT]] }, minLength, maxLength);
  }
}
