import assert from "node:assert/strict";
import { test } from "node:test";
import { assertTractable } from "../../../src/assistant/structured/gbnf-ambiguity.ts";
import { schemaGrammar } from "../../../src/assistant/structured/schema-grammar.ts";
import { InvalidRequestError } from "../../../src/errors.ts";
import { cases } from "./cases.ts";

const taken: Readonly<Record<string, string>> = {
  "a JSON grammar": String.raw`root ::= object
value ::= object | array | string | number | ("true" | "false" | "null") ws
object ::= "{" ws ( string ":" ws value ("," ws string ":" ws value)* )? "}" ws
array ::= "[" ws (
  value # first
  ("," ws value)*
)? "]" ws
string ::= "\"" ( [^"\\\x7F\x00-\x1F] | "\\" (["\\bfnrt] | "u" [0-9a-fA-F]{4}) )* "\"" ws
number ::= ("-"? ([0-9] | [1-9] [0-9]{0,15})) ("." [0-9]+)? ([eE] [-+]? [0-9] [1-9]{0,15})? ws
ws ::= | " " | "\n" [ \t]{0,20}`,
  arithmetic: 'root ::= (expr "=" term "\\n")+\nexpr ::= term ([-+*/] term)*\nterm ::= [0-9]+ | "(" expr ")"',
  "a list": 'root ::= item+\nitem ::= "- " [^\\r\\n\\u2028]+ "\\n"',
  "three hundred words": `root ::= ${Array.from({ length: 300 }, (_, index) => `"w${index}"`).join(" | ")}`,
  "kana and beyond": "root ::= [ぁ-ゟ\\U0001F600-\\U0001F64F]{2,8}",
  tokens: 'root ::= <[12]> "a" !<think> .',
  nothing: 'root ::= ""',
};
for (const [name, grammar] of Object.entries(taken)) {
  test(`taken: ${name}`, () => assertTractable(grammar));
}

test("every grammar that schemas become is taken", () => {
  for (const { schema } of cases) assertTractable(schemaGrammar(schema, { path: "schema" }));
});

const refused: Readonly<Record<string, readonly [grammar: string, why: RegExp]>> = {
  "readings that double with every character": [
    'root ::= s\ns ::= "a" | "a" s x | "a" s y\nx ::= "b"\ny ::= "c"',
    /ambiguous/,
  ],
  "readings that double after a while": [
    'root ::= [a-z]* s\ns ::= "a" | "a" s x | "a" s y\nx ::= "b"\ny ::= "c"',
    /ambiguous/,
  ],
  "two hundred choices of nothing": [`root ::= ${'("a"|"")'.repeat(200)} "b"`, /ambiguous/],
  "thousands of rules between two characters": [`root ::= ${'("a"|"")'.repeat(2000)} "b"`, /too many rules/],
  "a rule that begins with itself": ['root ::= root "a" | "b"', /too many rules/],
  "nested brackets": [`root ::= ${"(".repeat(50_000)}"a"${")".repeat(50_000)}`, /nested deeper/],
  "a huge repetition": ['root ::= "a"{100000000}', /elements/],
  "no root": ['start ::= "a"', /no rule named root/],
  "an undefined rule": ["root ::= missing", /missing/],
  "an open bracket": ['root ::= ("a"', /bracket/],
  "an open literal": ['root ::= "a', /not closed/],
  "an open class": ["root ::= [a-", /not closed/],
  "an unknown escape": ['root ::= "\\q"', /escape/],
  "no rule at all": ["hello", /line 1/],
};
for (const [name, [grammar, why]] of Object.entries(refused)) {
  test(`refused: ${name}`, () => {
    assert.throws(
      () => assertTractable(grammar),
      (error) => error instanceof InvalidRequestError && error.param === "grammar" && why.test(error.message),
    );
  });
}
