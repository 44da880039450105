import { type TObject, type TProperties, Type } from "typebox";
import { ErrorEnvelope } from "./error-envelope.ts";

/** A JSON answer: `properties`, and the request id that every body carries. */
export function answerSchema<P extends TProperties>(properties: P, description: string) {
  return Type.Object({ ...properties, request_id: Type.Optional(Type.String()) }, { description });
}

const errorDescriptions = {
  400: "The request is wrong; `param` names the field.",
  401: "No API key, or a wrong one.",
  404: "Not found: no such resource.",
  409: "Conflicts with the resource's current state, which the message names.",
  413: "Larger than this server accepts.",
  415: "Not a kind of content that this route takes.",
  429: "Over the rate limit; `Retry-After` says when to try again.",
  501: "The operator has not configured what this needs; the message says which setting.",
  503: "Can't be served now; `details.reason` says why, `Retry-After` when to try again.",
  529: "Can't be served now, in Anthropic's number; `Retry-After` says when to try again.",
} as const;

type ErrorStatus = keyof typeof errorDescriptions;

/** Response schemas of a route: its success, and the errors it can answer with. */
export function responseSchemas<T extends TObject>(success: T, ...statuses: ErrorStatus[]) {
  return responseSchemasWith(ErrorEnvelope.properties, success, ...statuses);
}

/** The same where the errors have another API's form. */
export function responseSchemasWith<T extends TObject>(
  errorProperties: TProperties,
  success: T,
  ...statuses: ErrorStatus[]
) {
  const errors = Object.fromEntries(
    statuses.map((status) => [
      status,
      Type.Object(errorProperties, { description: errorDescriptions[status] }),
    ]),
  );
  return { 200: success, ...errors };
}
