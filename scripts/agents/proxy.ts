import { createServer, type IncomingMessage, type ServerResponse, request as send } from "node:http";
import type { AddressInfo } from "node:net";

/** A tool that the model is made to call, with these arguments: random weights would not think of it. */
export interface ForcedCall {
  readonly tool: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

export interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** As the client sent it. */
  readonly body: string;
  readonly status: number;
  /** The whole answer where it is an error. */
  readonly refusal: string | undefined;
}

type Json = Record<string, unknown>;

/** Stands between an agent and the server: notes what is sent, and forces one call of a tool. */
export class RecordingProxy implements AsyncDisposable {
  readonly exchanges: Exchange[] = [];
  readonly #target: URL;
  #forced: ForcedCall | undefined;
  #answer: string | undefined;
  readonly #server = createServer((request, response) => void this.#handle(request, response));

  constructor(target: string) {
    this.#target = new URL(target);
  }

  /** The next request that declares the tool is answered by calling it. */
  force(call: ForcedCall): void {
    this.#forced = call;
  }

  /** Chat completions are answered by these words. */
  forceAnswer(words: string): void {
    this.#answer = words;
  }

  /** @returns the proxy's address */
  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const sent = this.#answering(this.#forcing(body));
    const { host: _host, "content-length": _length, ...headers } = request.headers;
    const forwarded = send(
      new URL(request.url ?? "/", this.#target),
      {
        method: request.method,
        headers: { ...headers, ...(sent.length > 0 && { "content-length": sent.length }) },
      },
      (answer) => {
        const status = answer.statusCode ?? 0;
        response.writeHead(status, answer.headers);
        answer.pipe(response);
        const refusal: Buffer[] = [];
        if (status >= 400) answer.on("data", (chunk: Buffer) => refusal.push(chunk));
        answer.once("close", () =>
          this.exchanges.push({
            method: request.method ?? "",
            path: request.url ?? "",
            headers: request.headers,
            body: body.toString("utf8"),
            status,
            refusal: status >= 400 ? Buffer.concat(refusal).toString("utf8") : undefined,
          }),
        );
      },
    );
    forwarded.once("error", (error) => response.destroy(error));
    response.once("close", () => forwarded.destroy());
    forwarded.end(sent);
  }

  #answering(body: Buffer): Buffer {
    if (this.#answer === undefined || body.length === 0) return body;
    const parsed = JSON.parse(body.toString("utf8")) as Json;
    return Buffer.from(JSON.stringify({ ...parsed, grammar: `root ::= ${JSON.stringify(this.#answer)}` }));
  }

  #forcing(body: Buffer): Buffer {
    const forced = this.#forced;
    if (forced === undefined || body.length === 0) return body;
    const parsed = JSON.parse(body.toString("utf8")) as Json;
    const tools = parsed["tools"] as readonly Json[] | undefined;
    const tool = tools?.find((one) => declaration(one)["name"] === forced.tool);
    if (tool === undefined) return body;
    this.#forced = undefined;
    const schema = exactly(forced.arguments);
    const declared = declaration(tool);
    declared["input_schema" in declared ? "input_schema" : "parameters"] = schema;
    parsed["tool_choice"] =
      "input_schema" in declared
        ? { type: "tool", name: forced.tool }
        : declared === tool
          ? { type: "function", name: forced.tool }
          : { type: "function", function: { name: forced.tool } };
    return Buffer.from(JSON.stringify(parsed));
  }
}

/** Chat completions have a function's fields one level deeper than Responses and Messages. */
function declaration(tool: Json): Json {
  return (tool["function"] as Json | undefined) ?? tool;
}

/** A schema that nothing but `values` fits. */
function exactly(values: Readonly<Record<string, unknown>>): Json {
  return {
    type: "object",
    properties: Object.fromEntries(Object.entries(values).map(([key, value]) => [key, { const: value }])),
    required: Object.keys(values),
    additionalProperties: false,
  };
}
