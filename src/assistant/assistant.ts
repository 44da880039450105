import { type ApiError, InvalidRequestError } from "../errors.ts";
import type { GenerationContext, GenerationRequest, Prompt, Usage } from "../inference/engine.ts";
import type { ConstraintCompiler } from "./constraint-compiler.ts";
import { BlockParser } from "./formats/block-parser.ts";
import type { DeclaredTool } from "./formats/call-expressions.ts";
import { type AnswerFormat, markers, opening } from "./formats/format.ts";
import { tooLong } from "./length-check.ts";
import type { ChatModel } from "./template/chat-model.ts";
import type { ChatTemplate, ToldPrompt } from "./template/template.ts";
import { plainPrompt } from "./template/transcript.ts";
import type { Turn, TurnEvent } from "./turn.ts";
import { byToken, TurnEvents } from "./turn-events.ts";

/** A turn ready to be generated, any number of times. */
export interface PlannedTurn {
  readonly request: GenerationRequest;
  readonly format: AnswerFormat;
  /** Functions that the answer may call. */
  readonly tools: readonly DeclaredTool[];
  /** Why it can't be generated, told where the engine's own refusals are. */
  readonly refusal?: ApiError;
  /** What of the conversation the model is told otherwise than it was sent, in a clause each. */
  readonly changes: readonly string[];
}

type Told = Pick<Turn, "messages" | "begun" | "reasoning" | "templateVariables"> &
  Partial<Pick<Turn, "tools">>;

/** Turns a conversation into a generation (template, constraint), and its text into content, reasoning and tool calls. */
export class Assistant {
  readonly #model: ChatModel;
  readonly #randomSeed: () => number;
  readonly #constraints: ConstraintCompiler;

  /** `randomSeed` draws a 32-bit seed for turns that give none. */
  constructor(model: ChatModel, randomSeed: () => number, constraints: ConstraintCompiler) {
    this.#model = model;
    this.#randomSeed = randomSeed;
    this.#constraints = constraints;
  }

  /**
   * Until `signal` is aborted.
   * @throws InvalidRequestError when the messages, the tools or the form can't be had
   */
  async plan(turn: Turn, signal?: AbortSignal): Promise<PlannedTurn> {
    const { contextWindow } = this.#model.engine.describe();
    const refusal = tooLong(turn.messages, turn.maxTokens ?? 1, contextWindow);
    const tools = wantedTools(turn);
    const template = this.#templateFor(tools);
    const { format } = template;
    const mustCall = tools.length > 0 && turn.toolChoice.type !== "auto";
    // A named function is called once: naming it asks for its arguments.
    const parallel = turn.parallelToolCalls && turn.toolChoice.type !== "tool";
    const { prompt, changes } =
      refusal === undefined ? this.#tell({ ...turn, tools }) : { prompt: plainPrompt(""), changes: [] };
    const thoughts = thoughtsOf(format, prompt, turn);
    const constraint = await this.#constraints.compile(
      {
        form: turn.form,
        tools,
        format,
        isThinking: thoughts?.areOpen === true,
        ...begunBlock(format, prompt),
        mustCall,
        parallel,
      },
      signal,
    );
    // Without a template there are no turns: the transcript's next line would be the model's own invention.
    const stop = template.hasTemplate || turn.messages.length === 1 ? turn.stop : [...turn.stop, "\nUser:"];
    // Stop strings end texts. An answer of nothing but calls has none, and a call cut at one is a call of something else.
    return {
      request: {
        prompt,
        ...(turn.maxTokens !== undefined && { maxTokens: turn.maxTokens }),
        endsAtWindow: true,
        sampling: {
          ...turn.sampling,
          seed: turn.sampling.seed ?? this.#randomSeed(),
          ...(constraint !== undefined && { constraint }),
        },
        stop: mustCall ? [] : stop,
        shownTexts: markers(format),
        ...(thoughts !== undefined && { thoughts }),
        ...(turn.logprobs !== undefined && { logprobs: turn.logprobs }),
        ...(turn.reusable === true && { reusable: true }),
        ...(turn.reproducible === true && { reproducible: true as const }),
      },
      format,
      tools,
      changes,
      ...(refusal !== undefined && { refusal }),
    };
  }

  /** Answers of one request that run side by side; more would only wait in the queue, and fill it. */
  get answersAtOnce(): number {
    return this.#model.engine.describe().sequences;
  }

  /** The prompt of a conversation, as a turn would have it. */
  render(told: Told): Prompt {
    return this.#tell(told).prompt;
  }

  #templateFor(tools: readonly DeclaredTool[]): ChatTemplate {
    return tools.length > 0 ? this.#model.template.withTools : this.#model.template;
  }

  #tell({ messages, tools = [], begun, reasoning, templateVariables: variables }: Told): ToldPrompt {
    const { prompt, changes } = this.#templateFor(tools).tell(messages, {
      tools,
      // What is begun already is past the reasoning.
      ...(begun !== undefined ? { reasoning: { thinks: false } } : reasoning !== undefined && { reasoning }),
      ...(variables !== undefined && { variables }),
    });
    return { prompt: goingOn(prompt, begun), changes };
  }

  #isWindowFull({ promptTokens, completionTokens }: Usage, { maxTokens }: GenerationRequest): boolean {
    const isFull = promptTokens + completionTokens >= this.#model.engine.describe().contextWindow;
    return isFull && completionTokens !== maxTokens;
  }

  /** Generates the `choice`th answer of a planned turn; each draws by a seed of its own. */
  async *answer(
    { request, format, tools, refusal }: PlannedTurn,
    choice: number,
    context: GenerationContext,
  ): AsyncIterable<TurnEvent> {
    if (refusal !== undefined) throw refusal;
    const seed = (request.sampling.seed + choice) % 2 ** 32;
    const parser = new BlockParser(format, { isThinking: request.thoughts?.areOpen === true, tools });
    const events = new TurnEvents(format.calls.idLength);
    for await (const event of this.#model.engine.generate(
      { ...request, sampling: { ...request.sampling, seed } },
      context,
    )) {
      switch (event.type) {
        case "started":
        case "progress":
          yield event;
          break;
        case "text":
          for (const { text, tokens } of byToken(event)) yield* events.take(parser.push(text), tokens);
          break;
        case "prompt":
          break;
        case "done": {
          const { usage, timings, stopText, cached } = event;
          // No client is left to read how a cancelled answer ended.
          const ended = event.finishReason === "length" ? "length" : "stop";
          const isCallCut = parser.isWithinArguments;
          for (const last of events.take(parser.end({ isCut: ended === "length" }), []))
            yield last.type === "block_end" && (isCallCut || ended === "length")
              ? { ...last, isCut: true }
              : last;
          yield {
            type: "done",
            finishReason: ended === "stop" && events.calls > 0 && !isCallCut ? "tool_calls" : ended,
            ...(ended === "length" && this.#isWindowFull(usage, request) && { windowFull: true }),
            stopText,
            ...(cached && { cached }),
            usage,
            timings,
          };
        }
      }
    }
  }
}

/** The prompt of an answer that is begun already. */
function goingOn(prompt: Prompt, begun: string | undefined): Prompt {
  if (begun === undefined) return prompt;
  return { ...prompt, parts: [...prompt.parts, { type: "text", text: begun, parseSpecial: false }] };
}

/** What the prompt's end has begun besides thoughts. */
function begunBlock(
  { texts, calls }: AnswerFormat,
  prompt: Prompt,
): { readonly isSpeaking: boolean; readonly begunOpening: number } {
  const last = prompt.parts.at(-1);
  const end = last?.type === "text" ? last.text : "";
  const isSpeaking = texts !== undefined && end.endsWith(texts.open);
  const first = calls.open === "" ? opening(calls) : "";
  let begunOpening = first.length;
  while (!end.endsWith(first.slice(0, begunOpening))) begunOpening--;
  return { isSpeaking, begunOpening };
}

/** How the engine recognises this answer's thoughts. */
function thoughtsOf(
  { thoughts, turn = "\n\n" }: AnswerFormat,
  prompt: Prompt,
  { reasoning: { thinks, budgetTokens: budget } = {} }: Turn,
): GenerationRequest["thoughts"] {
  if (thoughts === undefined) return undefined;
  const [open, close] = [thoughts.open.trim(), thoughts.close.trim()];
  const end = prompt.parts.at(-1);
  const areOpen = end?.type === "text" && end.text.trimEnd().endsWith(open);
  // A template that opens thoughts which the client does not want has no switch: they end at once.
  const budgetTokens = thinks === false ? 0 : budget;
  const ending = `\n${thoughts.close}${turn}`;
  return { open, close, areOpen, ending, ...(budgetTokens !== undefined && { budgetTokens }) };
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
