import { InvalidRequestError } from "../errors.ts";

/** Brackets within brackets of a body: far more than any real one has, far fewer than overflow the stack of a walk. */
export const MAX_DEPTH = 1000;

const [QUOTE, BACKSLASH] = [0x22, 0x5c];
const opening = new Set([0x5b, 0x7b]);
const closing = new Set([0x5d, 0x7d]);

/** Refuses JSON that whatever walks it by recursion would fail on; `what` names it. @throws InvalidRequestError */
export function assertShallow(json: Uint8Array, what = "The body"): void {
  let depth = 0;
  let isInString = false;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at] as number;
    if (isInString) {
      if (byte === BACKSLASH) at++;
      else if (byte === QUOTE) isInString = false;
    } else if (byte === QUOTE) isInString = true;
    else if (opening.has(byte)) {
      if (++depth > MAX_DEPTH)
        throw new InvalidRequestError(`${what} nests deeper than ${MAX_DEPTH} levels.`);
    } else if (closing.has(byte)) depth--;
  }
}
