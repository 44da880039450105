/**
 * What a text has to look like, as plain data: the way to say it for answers, tool calls and grammars alike.
 *
 * An answer that thinks and then holds to a schema is `sequence(anyTextUntil([{ text: "</think>" }]), json(program))`;
 * text with calls in it, if there are any, `anyTextUntil([{ text: "<tool_call>", behind: calls }], { mayEnd: true })`.
 * Rules, for recursion, are named in the form.
 */
import type { Automaton } from "./automaton.ts";
import type { JsonProgram } from "./json-program.ts";

export type Expression =
  /** The text itself. `isMarkup`: control tokens may stand for their part of it. */
  | { readonly type: "text"; readonly text: string; readonly isMarkup?: boolean }
  | { readonly type: "characters"; readonly ranges: ReadonlyArray<readonly [from: number, to: number]> }
  /** The texts that an automaton accepts. */
  | { readonly type: "automaton"; readonly automaton: Automaton }
  /** A JSON value that satisfies a node of a program, node 0 where none is named. */
  | { readonly type: "json"; readonly program: JsonProgram; readonly node?: number }
  | { readonly type: "sequence"; readonly items: readonly Expression[] }
  | { readonly type: "choice"; readonly items: readonly Expression[] }
  | {
      readonly type: "repeat";
      readonly item: Expression;
      readonly min: number;
      readonly max: number | undefined;
    }
  /** Any text up to the first of the markers, which is part of it and markup; without one at all too where it `mayEnd`. */
  | { readonly type: "until"; readonly markers: readonly Marker[]; readonly mayEnd: boolean }
  | { readonly type: "rule"; readonly name: string };

export interface Marker {
  readonly text: string;
  /** What comes behind this marker. */
  readonly behind?: Expression;
}

/** A form with the rules that it refers to. */
export interface Form {
  readonly start: Expression;
  readonly rules?: Readonly<Record<string, Expression>>;
}

/** A form that travels, and what it is known by: equal keys mean equal forms, whose masks are shared. */
export interface Constraint {
  readonly key: string;
  readonly form: Form;
}

export function text(text: string): Expression {
  return { type: "text", text };
}

export function markup(text: string): Expression {
  return { type: "text", text, isMarkup: true };
}

export function json(program: JsonProgram, node = 0): Expression {
  return { type: "json", program, node };
}

export function sequence(...items: readonly Expression[]): Expression {
  return items.length === 1 && items[0] !== undefined ? items[0] : { type: "sequence", items };
}

export function choice(...items: readonly Expression[]): Expression {
  return items.length === 1 && items[0] !== undefined ? items[0] : { type: "choice", items };
}

export function repeat(item: Expression, min: number, max?: number): Expression {
  return { type: "repeat", item, min, max };
}

/** Any text up to a marker and with it; `mayEnd` takes text without a marker as well. */
export function anyTextUntil(markers: readonly Marker[], { mayEnd = false } = {}): Expression {
  return { type: "until", markers, mayEnd };
}
