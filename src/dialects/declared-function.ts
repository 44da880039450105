import type { DeclaredTool } from "../assistant/formats/call-expressions.ts";
import { isSet } from "../platform/schema/nullable.ts";

/** A function that the client runs, in the parts that every API declares it by. */
interface ClientFunction {
  readonly name: string;
  readonly description?: string | null | undefined;
  /** A JSON Schema. */
  readonly parameters?: DeclaredTool["parameters"] | null | undefined;
  readonly strict?: boolean | null | undefined;
  /** Where its schema is, as errors name it. */
  readonly path: string;
}

/** What a function without a schema takes. */
const noParameters = { type: "object", properties: {}, additionalProperties: false };

export function declareFunction({
  name,
  description,
  parameters,
  strict,
  path,
}: ClientFunction): DeclaredTool {
  return {
    name,
    ...(isSet(description) && { description }),
    parameters: parameters ?? noParameters,
    strict: strict ?? false,
    path,
  };
}
