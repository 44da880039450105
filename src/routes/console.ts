import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { FastifyReply } from "fastify";
import { Type } from "typebox";
import { ApiError } from "../errors.ts";
import { ApiKeyGuard } from "../http/auth.ts";
import { answerSchema, responseSchemas } from "../http/schema.ts";
import { BrowserSessions } from "../http/session.ts";
import { StaticFiles } from "../http/static-files.ts";

export interface ConsoleDependencies {
  readonly apiKey: string;
  /** A key that visitors need not enter: the documented default, on a server that only this machine reaches. */
  readonly knownKey: string | undefined;
  /** Where the build of `web/` is. */
  readonly directory: string;
}

/** Nothing from another host, no inline script or style, and no text that becomes a script by way of the DOM. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types svelte-trusted-html",
].join("; ");

const Session = answerSchema(
  {
    signed_in: Type.Boolean({ description: "Whether this browser has a session, which stands for the key." }),
    known_key: Type.Union([Type.String(), Type.Null()], {
      description: "The default key, while it is in use and only this machine is listened to.",
    }),
  },
  "The browser's session.",
);

/** The console of `web/` at `/console/`, and the sessions that let it use `/v1`. It has no other routes of its own. */
export function consoleRoutes({
  apiKey,
  knownKey,
  directory,
}: ConsoleDependencies): FastifyPluginAsyncTypebox {
  const files = new StaticFiles(directory);
  const guard = new ApiKeyGuard(apiKey, "v1");
  const sessions = new BrowserSessions(apiKey);
  return async (app) => {
    const config = { scope: "public" } as const;
    const hide = { config, schema: { hide: true } };
    app.get("/", hide, ({ headers }, reply) =>
      headers.accept?.includes("text/html")
        ? reply.redirect("/console/")
        : { name: "llm-server", console: "/console/", docs: "/docs", openapi: "/openapi.json" },
    );
    app.get("/console", hide, (_request, reply) => reply.redirect("/console/"));
    // Not limited: one look at a page asks for several files, and nothing is computed for them.
    app.get("/console/*", { ...hide, config: { ...config, isProbe: true } }, (request, reply) => {
      reply.header("content-security-policy", contentSecurityPolicy);
      if (!files.isBuilt) return sendUnbuilt(reply);
      const name = (request.params as { readonly "*": string })["*"];
      if (name !== "index.html" && files.has(name)) {
        // Their names have a hash of what is in them.
        if (name.startsWith("assets/")) reply.header("cache-control", "public, max-age=31536000, immutable");
        return files.send(request, reply, name);
      }
      if (name.includes("."))
        throw new ApiError("not_found", `The console has no file ${name.slice(0, 100)}.`);
      // Every page is the same file, which reads its address.
      reply.header("cache-control", "no-cache");
      return files.send(request, reply, "index.html");
    });

    const tags = ["Console"];
    const state = (signedIn: boolean) => ({ signed_in: signedIn, known_key: knownKey ?? null });
    app.get(
      "/console/session",
      {
        config,
        schema: { tags, summary: "Whether the browser has a session", response: responseSchemas(Session) },
      },
      (request, reply) => {
        reply.header("cache-control", "no-store");
        return state(sessions.has(request));
      },
    );
    app.post(
      "/console/session",
      {
        config,
        schema: {
          tags,
          summary: "Begin a session of a browser with the key",
          body: Type.Object({ key: Type.String({ maxLength: 1024 }) }),
          response: responseSchemas(Session, 400, 401, 429),
        },
      },
      (request, reply) => {
        if (!guard.isKey(request.body.key)) throw new ApiError("unauthorized", "The API key is wrong.");
        sessions.open(request, reply);
        return state(true);
      },
    );
    app.delete(
      "/console/session",
      { config, schema: { tags, summary: "End the browser's session", response: responseSchemas(Session) } },
      (request, reply) => {
        sessions.close(request, reply);
        return state(false);
      },
    );
  };
}

/** Without script or style, which the policy forbids here: the browser asks again by itself. */
function sendUnbuilt(reply: FastifyReply): FastifyReply {
  return reply
    .code(503)
    .header("retry-after", "1")
    .header("cache-control", "no-store")
    .type("text/html; charset=utf-8")
    .send(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<meta http-equiv="refresh" content="1">
<title>The console is being built</title>
<h1>The console is being built</h1>
<p>That takes some seconds after the first start; this page then shows it by itself. The API answers meanwhile.</p>
<p>If nothing comes, <code>npm run build:console</code> says what is wrong.</p>
</html>
`);
}
