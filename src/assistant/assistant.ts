import { randomBytes } from "node:crypto";
import { InvalidRequestError } from "../errors.ts";
import type { Engine, GenerationRequest, Prompt } from "../inference/engine.ts";
import type { DeclaredTool } from "./formats/call-grammar.ts";
import { type AnswerPart, ToolCallParser } from "./formats/call-parser.ts";
import { type ToolCallFormat, toolCallFormat } from "./formats/tool-calls.ts";
import type { GrammarCompiler } from "./grammar-compiler.ts";
import type { ChatTemplate } from "./template/template.ts";
import type { Turn, TurnEnd, TurnEvent, TurnOptions } from "./turn.ts";

/** A turn ready to be generated, any number of times. */
export interface PlannedTurn {
  readonly request: GenerationRequest;
  readonly calls: { readonly format: ToolCallFormat; readonly mustCall: boolean } | undefined;
}

/** Makes the assistant's answers: template and grammar before the engine, tool calls out of the text behind it. */
export class Assistant {
  readonly #engine: Engine;
  readonly #template: () => ChatTemplate;
  readonly #randomSeed: () => number;
  readonly #grammars: GrammarCompiler;

  /** `randomSeed` draws a 32-bit seed for turns that give none. */
  constructor(
    engine: Engine,
    template: () => ChatTemplate,
    randomSeed: () => number,
    grammars: GrammarCompiler,
  ) {
    this.#engine = engine;
    this.#template = template;
    this.#randomSeed = randomSeed;
    this.#grammars = grammars;
  }

  /** @throws InvalidRequestError when the messages, the tools or the form can't be had */
  async plan(turn: Turn): Promise<PlannedTurn> {
    const template = this.#template();
    const tools = wantedTools(turn);
    const format = toolCallFormat(template.source);
    const mustCall = tools.length > 0 && turn.toolChoice.type !== "auto";
    // A named function is called once: whoever names it wants its arguments.
    const parallel = turn.parallelToolCalls && turn.toolChoice.type !== "tool";
    const grammar = await this.#grammars.compile({ form: turn.form, tools, format, mustCall, parallel });
    // Without a template there are no turns: the transcript's next line would be the model's own invention.
    const stop = template.hasTemplate || turn.messages.length === 1 ? turn.stop : [...turn.stop, "\nUser:"];
    return {
      request: {
        prompt: template.render(turn.messages, {
          tools,
          ...(turn.thinks !== undefined && { thinks: turn.thinks }),
        }),
        ...(turn.maxTokens !== undefined && { maxTokens: turn.maxTokens }),
        sampling: {
          ...turn.sampling,
          seed: turn.sampling.seed ?? this.#randomSeed(),
          ...(grammar !== undefined && { grammar }),
        },
        stop,
        priority: "interactive",
        ...(turn.logprobs !== undefined && { logprobs: turn.logprobs }),
        ...(turn.reusable === true && { reusable: true }),
      },
      calls: tools.length > 0 ? { format, mustCall } : undefined,
    };
  }

  /** Answers of one request that run side by side; more would only wait in the queue, and fill it. */
  get answersAtOnce(): number {
    return this.#engine.describe().sequences;
  }

  /** The prompt of a conversation, as a turn would have it. */
  render(messages: Turn["messages"], tools: Turn["tools"] = []): Prompt {
    return this.#template().render(messages, { tools });
  }

  /** Generates the `choice`th answer of a planned turn; each draws by a seed of its own. */
  async *answer(
    { request, calls }: PlannedTurn,
    choice: number,
    options: TurnOptions,
  ): AsyncIterable<TurnEvent> {
    const seed = (request.sampling.seed + choice) % 2 ** 32;
    const parser = calls === undefined ? undefined : new ToolCallParser(calls.format, calls.mustCall);
    let call = -1;
    const toEvent = (part: AnswerPart): TurnEvent => {
      switch (part.type) {
        case "content":
          return { ...part, tokens: [] };
        case "call":
          call++;
          return { type: "call", call, id: callId(calls?.format), name: part.name };
        case "arguments":
          return { type: "arguments", call, text: part.text };
      }
    };
    for await (const event of this.#engine.generate(
      { ...request, sampling: { ...request.sampling, seed } },
      options,
    )) {
      if (event.type === "text") {
        const tokens = event.tokens ?? [];
        if (parser === undefined) yield { type: "content", text: event.text, tokens };
        else {
          if (tokens.length > 0) yield { type: "content", text: "", tokens };
          for (const part of parser.push(event.text)) yield toEvent(part);
        }
      } else if (event.type === "done") {
        for (const part of parser?.end() ?? []) yield toEvent(part);
        const { usage, timings, stopText, cached } = event;
        // A cancelled answer has nobody left to read how it ended.
        const ended = event.finishReason === "length" ? "length" : "stop";
        const end: TurnEnd = {
          type: "done",
          finishReason: ended === "stop" && call >= 0 ? "tool_calls" : ended,
          stopText,
          ...(cached && { cached }),
          usage,
          timings,
        };
        options.onEnd?.(end);
        yield end;
      }
    }
  }
}

function wantedTools({ tools, toolChoice }: Turn): readonly DeclaredTool[] {
  if (toolChoice.type === "none") return [];
  if (toolChoice.type === "auto") return tools;
  if (tools.length === 0) {
    throw new InvalidRequestError("tool_choice asks for a tool, and tools declares none.", {
      param: "tool_choice",
    });
  }
  if (toolChoice.type === "required") return tools;
  const wanted = toolChoice.name;
  const named = tools.filter(({ name }) => name === wanted);
  if (named.length === 0) {
    throw new InvalidRequestError(`tool_choice names ${wanted}, which tools does not declare.`, {
      param: "tool_choice",
    });
  }
  return named;
}

const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** Mistral's templates take exactly nine letters and digits; others are given OpenAI's form. */
function callId(format: ToolCallFormat | undefined): string {
  const length = format?.idLength ?? 24;
  const text = [...randomBytes(length)].map((byte) => letters[byte % letters.length]).join("");
  return length === 24 ? `call_${text}` : text;
}
