import { isUtf8 } from "node:buffer";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { ApiError, InvalidRequestError } from "../errors.ts";
import { assertShallow } from "../platform/json-depth.ts";
import { parseInSlices } from "./sliced-json.ts";

/** Bytes that are parsed at once: about a millisecond. */
const LARGE_BODY = 256 * 1024;

type Parsers = Pick<
  FastifyInstance,
  "addContentTypeParser" | "removeContentTypeParser" | "getDefaultJsonParser"
>;
type Done = (error: Error | null, value?: unknown) => void;

/** Takes JSON bodies, and no others: a page of another origin can't send that type without asking first. */
export function acceptJsonOnly(app: Parsers): void {
  const parse = jsonParser(app);
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
  const parse = jsonParser(app);
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

/** JSON bodies must be UTF-8: what is not would reach the model as something that the client never wrote. */
function jsonParser(app: Parsers): (request: FastifyRequest, bytes: Buffer, done: Done) => void {
  const parseSmall = app.getDefaultJsonParser("error", "error");
  return (request, bytes, done) => {
    // Wrappers that send the header with every request send it where there is nothing to say, too.
    if (bytes.length === 0 && request.routeOptions.schema?.body === undefined) done(null, undefined);
    else if (!isUtf8(bytes)) done(new InvalidRequestError("The body is not valid UTF-8."));
    else if (bytes.length > LARGE_BODY) parseLarge(bytes).then((value) => done(null, value), done);
    else {
      try {
        assertShallow(bytes);
      } catch (error) {
        done(error as Error);
        return;
      }
      parseSmall(request, bytes.toString("utf8"), done);
    }
  };
}

/** Large bodies are parsed one after another: slices of many at once would make one long turn of the event loop. */
let lastLarge: Promise<unknown> = Promise.resolve();

async function parseLarge(bytes: Buffer): Promise<unknown> {
  const parsed = lastLarge.then(() => parseInSlices(bytes));
  lastLarge = parsed.catch(() => undefined);
  try {
    return await parsed;
  } catch (error) {
    if (error instanceof SyntaxError)
      throw new InvalidRequestError("The body is not JSON.", { cause: error });
    throw error;
  }
}
