/**
 * Loaded into every server under test (`node --import`): a JSON answer that its route's response schema does not
 * describe, down to each field, becomes an internal error. The serializer would drop the field, and say nothing.
 */
import { subscribe } from "node:diagnostics_channel";
import { Ajv, type ValidateFunction } from "ajv";
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from "fastify";

const ajv = new Ajv({ strict: false, allowUnionTypes: true, logger: false, formats: { text: true } });
const validators = new WeakMap<object, ValidateFunction>();

subscribe("fastify.initialization", (message) => {
  const { fastify } = message as { readonly fastify: FastifyInstance };
  fastify.addHook("onRoute", (route) => {
    const schemas = route.schema?.response as Readonly<Record<string, object>> | undefined;
    if (schemas === undefined) return;
    // A route's own hooks run after the server's: the request id is there already.
    route.preSerialization = [
      ...hooksOf(route),
      (request, reply, payload) => check(schemas, request, reply, payload),
    ];
  });
});

function hooksOf({ preSerialization = [] }: RouteOptions) {
  return Array.isArray(preSerialization) ? preSerialization : [preSerialization];
}

async function check(
  schemas: Readonly<Record<string, object>>,
  { method, headers, routeOptions: { url } }: FastifyRequest,
  { statusCode }: FastifyReply,
  payload: unknown,
): Promise<unknown> {
  // Anthropic's shape of the list of models passes the serializer by.
  if (url?.startsWith("/v1/models") === true && headers["anthropic-version"] !== undefined) return payload;
  const schema = schemas[statusCode];
  const answer = `${method} ${url} answers ${statusCode}`;
  if (schema === undefined) {
    if (statusCode < 400) throw new Error(`${answer}, which its schema does not have`);
    return payload;
  }
  let validate = validators.get(schema);
  if (validate === undefined) {
    validate = ajv.compile(closed(schema) as object);
    validators.set(schema, validate);
  }
  if (!validate(JSON.parse(JSON.stringify(payload))))
    throw new Error(
      `${answer}: ${ajv.errorsText(validate.errors)} ${JSON.stringify(validate.errors?.[0]?.params)}`,
    );
  return payload;
}

/** The schema without room for properties that it does not name, unless it says that there may be others. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== "object" || schema === null) return schema;
  const copy = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  const isOpen = !("properties" in copy) || "additionalProperties" in copy || "allOf" in copy;
  return isOpen ? copy : { ...copy, additionalProperties: false };
}
