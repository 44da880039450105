import { InvalidRequestError } from "../../errors.ts";

/** A keyword that can't be held: an error where a schema is a promise, and left out where it is advice. */
export class UnsupportedKeywordError extends InvalidRequestError {
  constructor(path: string, keyword: string, hint: string) {
    const param = keyword === "" ? path : `${path}.${keyword}`;
    super(`${param} is not supported: ${hint}.`, { param });
  }
}

/** The schema is not one. */
export function malformed(path: string, what: string): InvalidRequestError {
  return new InvalidRequestError(`${path} must be ${what}.`, { param: path });
}

export function unsatisfiable(path: string): InvalidRequestError {
  return new InvalidRequestError(`${path} can't be satisfied: no value is valid.`, { param: path });
}

export function tooComplex(path: string): InvalidRequestError {
  return new InvalidRequestError(`${path} is too complex: its alternatives multiply to too many.`, {
    param: path,
  });
}
