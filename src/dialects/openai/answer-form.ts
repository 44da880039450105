import { type Static, Type } from "typebox";
import type { AnswerForm } from "../../assistant/turn.ts";
import { isSet, OrNull } from "../../platform/schema/nullable.ts";
import { invalid } from "../content.ts";
import type { Unsupported } from "../refusals.ts";

const grammarText = { maxLength: 262_144, format: "text" } as const;

const GuidedJson = Type.Unsafe<string | Readonly<Record<string, unknown>>>({
  type: ["object", "string"],
  description: "Extra: a schema, or its JSON text.",
});
const GuidedRegex = Type.String({
  maxLength: 65_536,
  format: "text",
  description: "Extra: a regular expression that matches the whole answer.",
});
const GuidedChoice = Type.Array(Type.String({ maxLength: 1000, format: "text" }), {
  minItems: 1,
  maxItems: 10_000,
  description: "Extra: the texts of which the answer is one.",
});
const GuidedGrammar = Type.String({ ...grammarText, description: "Extra: as grammar." });

/** Ways to ask for a form beside OpenAI's: llama.cpp's `grammar`, and vLLM's by their older and newer names. */
export const FormFields = {
  grammar: OrNull(Type.String({ ...grammarText, description: "Extra: GBNF that the answer must follow." })),
  guided_json: OrNull(GuidedJson),
  guided_regex: OrNull(GuidedRegex),
  guided_choice: OrNull(GuidedChoice),
  guided_grammar: OrNull(GuidedGrammar),
  structured_outputs: OrNull(
    Type.Object({
      json: OrNull(GuidedJson),
      regex: OrNull(GuidedRegex),
      choice: OrNull(GuidedChoice),
      grammar: OrNull(GuidedGrammar),
      json_object: OrNull(Type.Boolean()),
    }),
  ),
};
const FormBody = Type.Object(FormFields);
type FormBody = Static<typeof FormBody>;

/** vLLM's four, under either name. */
interface Guided {
  readonly json?: FormBody["guided_json"] | undefined;
  readonly regex?: FormBody["guided_regex"] | undefined;
  readonly choice?: FormBody["guided_choice"] | undefined;
  readonly grammar?: FormBody["guided_grammar"] | undefined;
}

/** What of vLLM's ways can't be done. */
export const unsupportedForms: readonly Unsupported[] = [
  { param: "guided_whitespace_pattern", reason: "white space is written as the model writes it" },
  { param: "structured_outputs.whitespace_pattern", reason: "white space is written as the model writes it" },
  {
    param: "structured_outputs.disable_any_whitespace",
    reason: "white space is written as the model writes it",
    harmless: (value) => value === false,
  },
  {
    param: "structured_outputs.disable_additional_properties",
    reason: "say additionalProperties: false in the schema",
    harmless: (value) => value === false,
  },
  { param: "structured_outputs.structural_tag", reason: "use tools" },
];

/** The form that a request asks for; `own` is what it says by OpenAI's field of this name. @throws InvalidRequestError */
export function askedForm(
  body: FormBody,
  own: readonly (readonly [field: string, form: AnswerForm])[] = [],
): AnswerForm {
  const { structured_outputs: outputs } = body;
  const { guided_json: json, guided_regex: regex, guided_choice: choice, guided_grammar: grammar } = body;
  const asked: Array<readonly [string, AnswerForm]> = [
    ...own,
    ...guided("guided_", { json, regex, choice, grammar }),
    ...guided("structured_outputs.", outputs ?? {}),
  ];
  if (outputs?.json_object === true) asked.push(["structured_outputs.json_object", { type: "json" }]);
  if (isSet(body.grammar))
    asked.push(["grammar", { type: "grammar", grammar: body.grammar, path: "grammar" }]);
  const forms = asked.filter(([, { type }]) => type !== "text");
  // A schema says more than that there is to be an object.
  const narrow = forms.some(([, { type }]) => type === "schema")
    ? forms.filter(([, { type }]) => type !== "json")
    : forms;
  const [first, second] = narrow;
  if (second !== undefined) throw invalid(second[0], `can't be joined with ${first?.[0]}`);
  return first?.[1] ?? { type: "text" };
}

function* guided(
  prefix: string,
  { json, regex, choice, grammar }: Guided,
): Iterable<readonly [string, AnswerForm]> {
  const path = (name: string) => `${prefix}${name}`;
  if (isSet(json)) {
    const schema = typeof json === "string" ? parsed(json, path("json")) : json;
    yield [path("json"), { type: "schema", schema, path: path("json") }];
  }
  if (isSet(regex)) yield [path("regex"), { type: "pattern", pattern: regex, path: path("regex") }];
  if (isSet(choice)) yield [path("choice"), { type: "choice", texts: choice, path: path("choice") }];
  if (isSet(grammar)) yield [path("grammar"), { type: "grammar", grammar, path: path("grammar") }];
}

function parsed(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalid(path, "must be a schema, or the JSON text of one");
  }
}
