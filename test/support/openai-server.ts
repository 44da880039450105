import { json, type ServerSettings, startServer, type TestServer } from "./server.ts";

/** A server under test with what the OpenAI routes' tests ask of it. */
export interface OpenAiServer extends AsyncDisposable {
  readonly server: TestServer;
  readonly model: string;
  chat(fields?: object): Promise<Response>;
  complete(fields?: object): Promise<Response>;
}

export async function startOpenAiServer(settings: ServerSettings = {}): Promise<OpenAiServer> {
  const server = await startServer({
    ...settings,
    env: { CONTEXT_SIZE: "1024", KV_CACHE_MEMORY: "64MiB", ...settings.env },
  });
  const list = await json<{ data: ReadonlyArray<{ id: string }> }>(server.get("/v1/models"));
  const model = list.data[0]?.id ?? "";
  return {
    server,
    model,
    chat: (fields = {}) =>
      server.post("/v1/chat/completions", {
        model,
        messages: [{ role: "user", content: "Once upon a time" }],
        max_tokens: 24,
        temperature: 0,
        ...fields,
      }),
    complete: (fields = {}) =>
      server.post("/v1/completions", { model, prompt: "Once upon a time", temperature: 0, ...fields }),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** A GBNF grammar that allows exactly `text`: the way to make any model say it. */
export function only(text: string): string {
  return `root ::= ${JSON.stringify(text)}`;
}
