import { type Automaton, textCount } from "../../inference/constraints/automaton.ts";
import { finiteTexts } from "./automata.ts";
import type { DraftObject } from "./draft-shapes.ts";
import { tooComplex, UnsupportedKeywordError } from "./errors.ts";
import { languageOf } from "./keyword-values.ts";
import type { Application, KeyRule, Literal, Part } from "./part.ts";
import { type AutomatonPool, accepts, everything, isEverything } from "./scalar-shapes.ts";

/** Patterns of names that are told apart in one object, and names that a pattern may spell out. */
const MAX_PATTERNS = 8;
const MAX_SPELT_NAMES = 64;
const MAX_VARIANTS = 200;

export interface ObjectContext {
  readonly path: string;
  readonly pool: AutomatonPool;
  /** Properties of which the schema does not speak are left out where it declares others. */
  readonly leavesOutUnmentioned: boolean;
  nodeOf(literals: readonly Literal[]): number;
  /** Texts that satisfy schemas, as one language. */
  namesBy(literals: readonly Literal[]): Automaton | undefined;
}

/** An object's shapes: one, but where some property must break a rule. */
export function objectShapes(part: Part, context: ObjectContext): readonly DraftObject[] {
  const whole = part.copy();
  for (const { literal, by, kind } of part.unevaluated)
    if (kind === "properties") evaluateRest(whole, literal, by);
  return variants(whole, context).map((variant) => objectShape(variant, context));
}

/** Turns `unevaluatedProperties` into a rule for what no rule taken up for the same schema speaks of. */
function evaluateRest(part: Part, literal: Literal, by: Application): void {
  const own = part.keyRules.filter((rule) => isWithin(rule.by, by));
  if (own.some(({ kind }) => kind === "rest")) return;
  const names = new Set(own.flatMap((rule) => (rule.kind === "name" ? [rule.name] : [])));
  const patterns = own.flatMap((rule) => (rule.kind === "pattern" ? [rule.pattern] : []));
  part.rule({ kind: "rest", names, patterns, literal, by });
}

export function isWithin(inner: Application | undefined, outer: Application): boolean {
  for (let at = inner; at !== undefined; at = at.from) if (at === outer) return true;
  return false;
}

/** Each way in which a named property breaks the rules of which one must be broken. */
function variants(part: Part, context: ObjectContext): readonly Part[] {
  let done: Part[] = [part];
  for (const { names, patterns, literal } of part.someOther) {
    done = done.flatMap((variant) =>
      namesIn(variant)
        .filter(
          (name) => !names.has(name) && !patterns.some((pattern) => matchesPattern(pattern, name, context)),
        )
        .map((name) => {
          const broken = variant.copy();
          broken.require(name);
          broken.rule({ kind: "name", name, literal, by: undefined });
          broken.tighten();
          return broken;
        })
        .filter(({ required, forbidden }) => !required.some((name) => forbidden.includes(name))),
    );
    if (done.length > MAX_VARIANTS) throw tooComplex(context.path);
  }
  return done;
}

function namesIn(part: Part): readonly string[] {
  const named = part.keyRules.flatMap((rule) => (rule.kind === "name" ? [rule.name] : []));
  return [...new Set([...named, ...part.required])];
}

function matchesPattern(pattern: string, name: string, { path }: ObjectContext): boolean {
  return accepts(languageOf(pattern, path, "patternProperties").automaton, name);
}

function objectShape(part: Part, context: ObjectContext): DraftObject {
  const { pool } = context;
  const names = [...namesIn(part)];
  const allowedNames = part.nameRules.length === 0 ? undefined : context.namesBy(part.nameRules);
  const isNamed = (name: string) => part.nameRules.length === 0 || accepts(allowedNames, name);
  const rulesFor = (matchesRule: (rule: KeyRule) => boolean) =>
    part.keyRules.filter(matchesRule).map(({ literal }) => literal);
  const named = Map.groupBy(
    part.keyRules.filter((rule) => rule.kind === "name"),
    ({ name }) => name,
  );
  const wider = part.keyRules.filter((rule) => rule.kind !== "name");
  const forName = (name: string) => {
    const matches = (pattern: string) => matchesPattern(pattern, name, context);
    const own = wider.filter((rule) =>
      rule.kind === "pattern" ? matches(rule.pattern) : !rule.names.has(name) && !rule.patterns.some(matches),
    );
    return [...(named.get(name) ?? []), ...own].map(({ literal }) => literal);
  };
  const declares = named.size > 0;
  const others: Array<{ automaton: number | undefined; language: Automaton; node: number }> = [];
  for (const { automaton, matched } of nameCells(part, allowedNames, context)) {
    const rules = rulesFor((rule) => {
      if (rule.kind === "name") return false;
      return rule.kind === "pattern"
        ? matched.has(rule.pattern)
        : !rule.patterns.some((pattern) => matched.has(pattern));
    });
    const isUnmentioned = rules.length === 0 && part.nameRules.length === 0;
    if (isUnmentioned && declares && context.leavesOutUnmentioned && part.minProperties <= names.length)
      continue;
    const spelt = isEverything(automaton) ? undefined : finiteTexts(automaton, MAX_SPELT_NAMES);
    if (spelt !== undefined) names.push(...spelt.filter((name) => !names.includes(name)));
    else
      others.push({
        automaton: isEverything(automaton) ? undefined : pool.indexOf(automaton),
        language: automaton,
        node: context.nodeOf(rules),
      });
  }
  const forbidden = new Set(part.forbidden);
  const allowed = new Set(names.filter((name) => !forbidden.has(name) && isNamed(name)));
  const taken = [...new Set([...names, ...part.forbidden])];
  return {
    type: "object",
    names: [...allowed].map((name) => ({ name, node: context.nodeOf(forName(name)) })),
    required: part.required,
    forbidden: [...part.forbidden, ...names.filter((name) => !allowed.has(name))],
    others: others.map(({ automaton, language, node }) => ({
      automaton,
      node,
      nameCount: textCount(language) - taken.filter((name) => accepts(language, name)).length,
    })),
    minProperties: part.minProperties,
    maxProperties: part.maxProperties,
  };
}

/** Names, told apart by which of the patterns they match. */
function nameCells(
  part: Part,
  allowed: Automaton | undefined,
  { path, pool }: ObjectContext,
): ReadonlyArray<{ readonly automaton: Automaton; readonly matched: ReadonlySet<string> }> {
  const patterns = [
    ...new Set(
      part.keyRules.flatMap((rule) =>
        rule.kind === "pattern" ? [rule.pattern] : rule.kind === "rest" ? rule.patterns : [],
      ),
    ),
  ];
  if (patterns.length > MAX_PATTERNS)
    throw new UnsupportedKeywordError(
      path,
      "patternProperties",
      `more than ${MAX_PATTERNS} patterns on one object`,
    );
  const first = part.nameRules.length === 0 ? everything : allowed;
  let cells = first === undefined ? [] : [{ automaton: first, matched: new Set<string>() }];
  for (const pattern of patterns) {
    const { automaton: language } = languageOf(pattern, path, "patternProperties");
    cells = cells.flatMap(({ automaton, matched }) => {
      const inside = pool.intersect(automaton, language, path);
      const outside = pool.without(automaton, language, path);
      return [
        ...(inside === undefined ? [] : [{ automaton: inside, matched: new Set([...matched, pattern]) }]),
        ...(outside === undefined ? [] : [{ automaton: outside, matched }]),
      ];
    });
  }
  return cells;
}
