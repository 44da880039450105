import { plainPrompt } from "../assistant/template/transcript.ts";
import { errorWords } from "../errors.ts";
import { capped } from "../features/agents/tools/output.ts";
import type { RemoteTool } from "../features/mcp-servers/servers.ts";
import type { Engine } from "../inference/engine.ts";

/** Calls of one request where it sets no limit. */
const MAX_CALLS = 128;
/** What of one output the model is given. */
const MAX_OUTPUT_TOKENS = 4_096;

export interface HostedCallsOptions {
  readonly engine: Pick<Engine, "describe" | "tokenize">;
  readonly signal: AbortSignal;
  readonly maxCalls?: number | undefined;
}

/** What came of a call, in the words that the model is given; either is null. */
export interface HostedOutcome {
  readonly output: string | null;
  readonly error: string | null;
}

/** Runs the calls of MCP servers' tools that a model makes within one request. */
export class HostedCalls {
  readonly #options: HostedCallsOptions;
  #left: number;

  constructor(options: HostedCallsOptions) {
    this.#options = options;
    this.#left = options.maxCalls ?? MAX_CALLS;
  }

  get left(): number {
    return this.#left;
  }

  /** `given`: JSON text. What fails is an outcome too. */
  async run(callId: string, given: string, remote: RemoteTool | undefined): Promise<HostedOutcome> {
    if (remote === undefined) return { output: null, error: "There is no such tool any more." };
    if (this.#left <= 0)
      return { output: null, error: "The limit on tool calls is reached. It was not run." };
    this.#left--;
    const { signal } = this.#options;
    try {
      const parsed = JSON.parse(given) as Record<string, unknown>;
      const output = await remote.call(remote.tool.name, parsed, { callId, signal });
      return { output: await this.#capped(output), error: null };
    } catch (error) {
      signal.throwIfAborted();
      return { output: null, error: errorWords(error).message };
    }
  }

  async #capped(text: string): Promise<string> {
    const { engine, signal } = this.#options;
    const { contextWindow } = engine.describe();
    const { text: given } = await capped(text, {
      maxTokens: MAX_OUTPUT_TOKENS,
      contextWindow,
      countTokens: async (piece) => (await engine.tokenize(plainPrompt(piece), signal)).length,
    });
    return given;
  }
}
