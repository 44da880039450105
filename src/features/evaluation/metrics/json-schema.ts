import { Type } from "typebox";
import { InvalidRequestError } from "../../../errors.ts";
import { assertShallow } from "../../../platform/json-depth.ts";
import type { Metric } from "./metric.ts";

const JsonSchemaOptions = Type.Object(
  {
    schema: Type.Optional(
      Type.Object(
        {},
        { description: "JSON Schema, draft 7 or 2020-12 by its `$schema` (2020-12 without one)." },
      ),
    ),
    allow_fence: Type.Optional(
      Type.Boolean({ default: false, description: "Take JSON out of one Markdown code fence around it." }),
    ),
  },
  { additionalProperties: false },
);

const fence = /^\s*```(?:json)?[^\S\n]*\n(.*?)\n?```\s*$/s;

/** 1 when the response is JSON that the schema accepts; any JSON will do without a schema. */
export const jsonSchema: Metric<typeof JsonSchemaOptions> = {
  summary: "The response is JSON that a schema accepts.",
  needsReference: false,
  options: JsonSchemaOptions,
  score: async (response, _reference, { schema, allow_fence = false }, { sandbox, signal }) => {
    const text = (allow_fence ? fence.exec(response)?.[1] : undefined) ?? response;
    const value = parseJson(text);
    if (value === undefined) return { value: 0, details: { reason: "not_json" } };
    if (schema === undefined) return { value: 1, details: {} };
    if (JSON.stringify(schema).length > MAX_SCHEMA_LENGTH)
      throw new InvalidRequestError(`The schema is longer than ${MAX_SCHEMA_LENGTH} characters.`, {
        param: "schema",
      });
    const { errors } = await sandbox.run({ type: "json_schema", schema, value: value.json }, signal);
    if (errors.length === 0) return { value: 1, details: {} };
    return { value: 0, details: { reason: "schema", errors } };
  },
};

const MAX_SCHEMA_LENGTH = 100_000;

function parseJson(text: string): { readonly json: unknown } | undefined {
  assertShallow(Buffer.from(text), "The response's JSON");
  try {
    return { json: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}
