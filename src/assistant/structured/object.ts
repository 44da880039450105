import { alternatives, type Grammar, literal, sequence } from "./gbnf.ts";
import { object, space, string } from "./json-text.ts";
import {
  isObject,
  type JsonSchema,
  type SchemaObject,
  UnsatisfiableError,
  unsatisfiable,
  unsupported,
} from "./schema.ts";
import { noneOf } from "./trie.ts";

/** Properties of which any may come next: sampling tries each of them on every token of the vocabulary. */
const MAX_OPTIONAL_RUN = 250;

export type Visit = (schema: JsonSchema, path: string) => string;

interface Member {
  /** `"name": value`, as an expression. */
  readonly text: string;
  readonly isRequired: boolean;
}

/**
 * An object whose declared properties come in their declared order, optional ones or not at all. Further ones follow
 * when `additionalProperties` says so, or when nothing is declared.
 */
export function objectRule(grammar: Grammar, schema: SchemaObject, path: string, visit: Visit): string {
  const declared = isObject(schema["properties"]) ? schema["properties"] : {};
  const required = new Set((schema["required"] as readonly string[] | undefined) ?? []);
  const additional = schema["additionalProperties"] as JsonSchema | undefined;
  const names = [...new Set([...Object.keys(declared), ...required])];
  if (names.length === 0 && (additional === undefined || additional === true)) {
    checkCounts(schema, 0, Number.POSITIVE_INFINITY, path);
    return object(grammar);
  }
  const members = names.flatMap((name): Member[] => {
    const isRequired = required.has(name);
    const isDeclared = Object.hasOwn(declared, name);
    const own = isDeclared ? (declared[name] as JsonSchema) : (additional ?? true);
    const where = isDeclared ? `${path}.properties.${name}` : `${path}.required`;
    try {
      const text = sequence(literal(`${JSON.stringify(name)}:`), '" "?', visit(own, where));
      return [{ text: grammar.rule(text), isRequired }];
    } catch (error) {
      if (isRequired || !(error instanceof UnsatisfiableError)) throw error;
      return [];
    }
  });
  assertFewOptional(members, path);
  const extra = extraMember(grammar, names, additional, path, visit);
  const most = extra === undefined ? members.length : Number.POSITIVE_INFINITY;
  checkCounts(schema, members.filter(({ isRequired }) => isRequired).length, most, path);
  return assemble(grammar, members, extra);
}

function assertFewOptional(members: readonly Member[], path: string): void {
  let run = 0;
  for (const { isRequired } of members) {
    run = isRequired ? 0 : run + 1;
    if (run > MAX_OPTIONAL_RUN)
      throw unsupported(
        path,
        "properties",
        `more than ${MAX_OPTIONAL_RUN} optional ones in a row; require some`,
      );
  }
}

/** A property beyond the declared ones; undefined when there may be none. */
function extraMember(
  grammar: Grammar,
  names: readonly string[],
  additional: JsonSchema | undefined,
  path: string,
  visit: Visit,
): string | undefined {
  if (additional === undefined || additional === false) return undefined;
  const name =
    names.length === 0 ? string(grammar) : sequence(literal('"'), noneOf(grammar, names), literal('"'));
  return grammar.rule(sequence(name, '":" " "?', visit(additional, `${path}.additionalProperties`)));
}

/** One rule a member and state, so that the grammar grows with the number of members and not of their subsets. */
function assemble(grammar: Grammar, members: readonly Member[], extra: string | undefined): string {
  const gap = space(grammar);
  let first = extra === undefined ? "" : grammar.rule(`(${extra} ("," ${gap} ${extra})*)?`);
  let rest = extra === undefined ? "" : grammar.rule(`("," ${gap} ${extra})*`);
  for (const { text, isRequired } of members.toReversed()) {
    const begun = sequence(text, rest);
    const continued = sequence(`"," ${gap}`, text, rest);
    first = isRequired ? begun : grammar.rule(alternatives([begun, first]));
    rest = isRequired ? continued : grammar.rule(alternatives([continued, rest]));
  }
  return grammar.rule(sequence(`"{" ${gap}`, first, `${gap} "}"`));
}

/** Counts that hold whatever is generated need no grammar; any other would. */
function checkCounts(schema: SchemaObject, least: number, most: number, path: string): void {
  const min = (schema["minProperties"] as number | undefined) ?? 0;
  const max = (schema["maxProperties"] as number | undefined) ?? Number.POSITIVE_INFINITY;
  if (min > most || max < least) throw unsatisfiable(path, "the number of its properties contradicts them");
  if (min > least) throw unsupported(path, "minProperties", "list the properties as required");
  if (max < most) throw unsupported(path, "maxProperties", "declare the properties that there may be");
}
