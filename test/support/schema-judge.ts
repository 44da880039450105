import { createRequire } from "node:module";
import { Ajv, type ValidateFunction } from "ajv";
import { Ajv2019 } from "ajv/dist/2019.js";
import { Ajv2020 } from "ajv/dist/2020.js";
import AjvDraft04 from "ajv-draft-04";
import addFormats from "ajv-formats";

const options = { strict: false, logger: false } as const;
const draft6: unknown = createRequire(import.meta.url)("ajv/dist/refs/json-schema-draft-06.json");
const draft7 = new Ajv(options);
draft7.addMetaSchema(draft6 as object);
/** Validators by what `$schema` names; without it, the latest draft. */
const judges: ReadonlyArray<readonly [RegExp, Ajv]> = [
  [/draft-04/, new AjvDraft04.default(options)],
  [/draft-0[67]/, draft7],
  [/2019-09/, new Ajv2019(options)],
  [/2020-12|^$/, new Ajv2020(options)],
];
/** Those that JSON Schema names and the server holds; the package has others of its own. */
const formats = [
  ...(["date", "time", "date-time", "duration", "uuid", "ipv4", "ipv6", "hostname", "email"] as const),
  ...(["uri", "uri-reference", "json-pointer", "regex"] as const),
];
for (const [, ajv] of judges) addFormats.default(ajv, { formats });

/** What judges values of a schema. @throws Error for a schema that Ajv does not take */
export function judgeOf(schema: unknown): ValidateFunction {
  const draft =
    schema !== null && typeof schema === "object" && "$schema" in schema ? String(schema.$schema) : "";
  const ajv = judges.find(([pattern]) => pattern.test(draft))?.[1];
  if (ajv === undefined) throw new Error(`no validator for ${draft}`);
  return ajv.compile(schema as object);
}
