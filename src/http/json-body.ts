import { isUtf8 } from "node:buffer";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { ApiError, InvalidRequestError } from "../errors.ts";
import { assertShallow } from "../platform/json-depth.ts";
import { parseInSlices } from "./sliced-json.ts";

/** Bytes that are parsed at once: about a millisecond. */
const LARGE_BODY = 256 * 1024;

type Parsers = Pick<FastifyInstance, "addContentTypeParser" | "removeContentTypeParser">;
type Done = (error: Error | null, value?: unknown) => void;

/** Takes JSON bodies, and no others: a page of another origin can't send that type without asking first. */
export function acceptJsonOnly(app: Parsers): void {
  app.removeContentTypeParser(["text/plain", "application/json"]);
  app.addContentTypeParser("application/json", { parseAs: "buffer" }, (request, body, done) =>
    parse(request, body as Buffer, done),
  );
}

/**
 * Takes JSON under any name, for APIs whose own examples are `curl -d` and nothing else. Only from programs: what a page
 * sends without asking first names the page in Origin, and is refused.
 */
export function acceptJsonOfAnyType(app: Parsers): void {
  app.addContentTypeParser("*", { parseAs: "buffer" }, (request, body, done) => {
    if (request.headers.origin === undefined) parse(request, body as Buffer, done);
    else
      done(
        new ApiError(
          "unsupported_media_type",
          "A page must send the body as content-type: application/json.",
        ),
      );
  });
}

const BYTE_ORDER_MARK = Buffer.from("\uFEFF");

/**
 * JSON bodies must be UTF-8: what is not would reach the model as something that the client never wrote. A key
 * `__proto__` is a key as any other, a property in somebody's schema: `JSON.parse` makes it one of the object's own.
 */
function parse(request: FastifyRequest, body: Buffer, done: Done): void {
  const bytes = body.subarray(0, 3).equals(BYTE_ORDER_MARK) ? body.subarray(3) : body;
  // Wrappers that send the header with every request send it where there is nothing to say, too.
  if (bytes.length === 0 && request.routeOptions.schema?.body === undefined) done(null, undefined);
  else if (bytes.length === 0) done(new InvalidRequestError("The body is empty; it must be JSON."));
  else if (!isUtf8(bytes)) done(new InvalidRequestError("The body is not valid UTF-8."));
  else
    (bytes.length > LARGE_BODY ? parseLarge(bytes, request.context.signal) : parseSmall(bytes)).then(
      (value) => done(null, value),
      (error: Error) =>
        done(
          error instanceof SyntaxError
            ? new InvalidRequestError("The body is not JSON.", { cause: error })
            : error,
        ),
    );
}

async function parseSmall(bytes: Buffer): Promise<unknown> {
  assertShallow(bytes);
  return JSON.parse(bytes.toString("utf8"));
}

/** Large bodies are parsed one after another, and not for clients that have left: the first is done before the last. */
let lastLarge: Promise<unknown> = Promise.resolve();

function parseLarge(bytes: Buffer, signal: AbortSignal): Promise<unknown> {
  const parsed = lastLarge.then(() => {
    signal.throwIfAborted();
    return parseInSlices(bytes);
  });
  lastLarge = parsed.catch(() => undefined);
  return parsed;
}
