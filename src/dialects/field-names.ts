import { ApiError } from "../errors.ts";

/** How a route calls the prompt and the limit of tokens, which the engine knows by names of its own. */
export interface FieldNames {
  readonly prompt: string;
  readonly maxTokens: string;
}

/** Lets engine errors name the fields that the client used. */
export function inClientTerms(error: unknown, names: FieldNames): unknown {
  if (!(error instanceof ApiError)) return error;
  const own: Readonly<Record<string, string>> = { prompt: names.prompt, max_new_tokens: names.maxTokens };
  const param = error.param === undefined ? undefined : own[error.param];
  if (param === undefined || param === error.param) return error;
  const { code, message, details, retryAfterSeconds } = error;
  return new ApiError(code, message, {
    param,
    ...(details !== undefined && { details }),
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
    cause: error,
  });
}

/** The same values, with errors on the way named as the client knows them. */
export async function* namingFields<T>(source: AsyncIterable<T>, names: FieldNames): AsyncIterable<T> {
  try {
    yield* source;
  } catch (error) {
    throw inClientTerms(error, names);
  }
}
