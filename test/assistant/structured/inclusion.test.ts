import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isIncluded } from "../../../src/assistant/structured/inclusion.ts";
import { PatternParser } from "../../../src/assistant/structured/pattern-syntax.ts";

const parse = (source: string) => new PatternParser(source, "schema").parse();
const includes = (outer: string, inner: string) => isIncluded(parse(inner), parse(outer));

const included: ReadonlyArray<readonly [inner: string, outer: string]> = [
  ["^abc$", "^abc$"],
  ["^abc$", "^a[b-z]c$"],
  ["^abc$", "b"],
  ["^a{3}$", "^a{2,5}$"],
  ["^a{3}$", "^a*$"],
  ["^(?:ab)+$", "^[ab]{2,}$"],
  ["^(?:cat|dog)$", "^(?:dog|cow|cat)$"],
  ["^[^x]$", "^[^xy]$|^y$"],
  ["^(?:a|b)*$", "^a*(?:b+a*)*$"],
  ["^a$", "^a?$"],
];
for (const [inner, outer] of included) {
  test(`every text of ${inner} is one of ${outer}`, () => assert.ok(includes(outer, inner)));
}

const excluded: ReadonlyArray<readonly [inner: string, outer: string]> = [
  ["abc", "^abc$"],
  ["^a[b-z]c$", "^abc$"],
  ["^a{2,5}$", "^a{3}$"],
  ["^a*$", "^a{0,20}$"],
  ["^a?$", "^a$"],
  ["^[^x]$", "^[^xy]$"],
  ["^.$", "^[a-z]$"],
];
for (const [inner, outer] of excluded) {
  test(`some text of ${inner} is none of ${outer}`, () => assert.ok(!includes(outer, inner)));
}

test("what matches an included pattern matches the other one", () => {
  const atom = fc.constantFrom("a", "b", "[ab]", "[^a]", "(?:ab|c)", "c");
  const piece = fc
    .tuple(atom, fc.constantFrom("", "*", "+", "?", "{2}", "{1,3}"))
    .map((parts) => parts.join(""));
  const pattern = fc.array(piece, { maxLength: 4 }).map((pieces) => `^${pieces.join("")}$`);
  const texts = fc.array(fc.stringMatching(/^[abc]{0,6}$/), { minLength: 20, maxLength: 20 });
  fc.assert(
    fc.property(pattern, pattern, texts, (inner, outer, samples) => {
      if (!includes(outer, inner)) return true;
      return samples.every((text) => !new RegExp(inner).test(text) || new RegExp(outer).test(text));
    }),
    { numRuns: 1000 },
  );
});

test("patterns whose repetitions multiply past the limit are not known to be included", () => {
  assert.ok(!includes("^a*$", "^(?:a{100}){100}$"));
});
