import { Ajv, type ValidateFunction } from "ajv";
import addFormats from "ajv-formats";
import type { FastifySchemaCompiler } from "fastify";
import { formats } from "./validation.ts";

/**
 * Validators of what requests hold. Each is compiled when the first request needs it: for all routes together that takes
 * the better part of a second, which the start need not wait for.
 */
export function schemaValidators(): FastifySchemaCompiler<object> {
  // A body of a million mistakes would be answered by a million errors, made on this thread: `allErrors` stays off.
  const ajv = new Ajv({ useDefaults: true, addUsedSchema: false, allowUnionTypes: true, formats });
  addFormats.default(ajv);
  return ({ schema }) => {
    let compiled: ValidateFunction | undefined;
    const validate: ReturnType<FastifySchemaCompiler<object>> = (value) => {
      compiled ??= ajv.compile(schema);
      const isValid = compiled(value);
      // Fastify reads the errors there.
      validate.errors = compiled.errors ?? null;
      return isValid;
    };
    return validate;
  };
}
