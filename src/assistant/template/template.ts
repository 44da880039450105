import { InvalidRequestError } from "../../errors.ts";
import type { Prompt } from "../../inference/engine.ts";
import type { AnswerFormat } from "../formats/format.ts";
import { exceptionalFormat, knownFormat } from "../formats/known-formats.ts";
import { learnFormat } from "../formats/learned-format.ts";
import { writeCalls } from "../formats/written-calls.ts";
import { adaptations, adapted, joinedSystem, singleCalls, type Told, textApart } from "./adaptations.ts";
import { Jinja } from "./jinja/jinja.ts";
import { formatTime } from "./jinja/strftime.ts";
import { BoundsError, TemplateError } from "./jinja/values.ts";
import type { ChatMessage, Tool } from "./message.ts";
import { messageSpans } from "./message-spans.ts";
import { type PrintedCalls, printedCalls } from "./printed-calls.ts";
import { type PrintedSystem, printedSystem } from "./printed-system.ts";
import { ReasoningVariables, type ReasoningWish, switched } from "./reasoning-wish.ts";
import { SpecialTexts } from "./special-texts.ts";
import { findMessageForm, type MessageForm, toTemplateMessage } from "./template-message.ts";
import { describeTool, withDeclarations, withToolInstructions } from "./tool-prompt.ts";
import { transcript } from "./transcript.ts";

export type { ChatMessage } from "./message.ts";

/** What a template needs to know of its model. */
export interface TemplateModel {
  readonly chatTemplate: string | undefined;
  /** Another template for conversations with tools: Hermes and Command R have one, under the name `tool_use`. */
  readonly toolTemplate?: string | undefined;
  readonly bosText: string;
  readonly eosText: string;
  /** Texts that the tokenizer reads as special tokens. */
  readonly specialTexts: readonly string[];
}

export interface RenderOptions {
  /** Functions that the model may call. */
  readonly tools?: readonly Tool[];
  readonly reasoning?: ReasoningWish;
  /** What else the template reads, which has the last word: `chat_template_kwargs`. */
  readonly variables?: Readonly<Record<string, unknown>>;
}

export interface ToldPrompt {
  readonly prompt: Prompt;
  /** What of the conversation is told otherwise than it was sent, in a clause each. */
  readonly changes: readonly string[];
}

/**
 * Turns messages into a prompt with the model's own Jinja template. The template's special tokens are parsed as such;
 * a message, a name, a tool's description or its result that spells one (`<|im_start|>`) stays plain text.
 */
export class ChatTemplate {
  readonly #model: TemplateModel;
  readonly #template: Jinja | undefined;
  readonly #specialTexts: SpecialTexts;
  readonly #now: () => Date;
  #form: MessageForm | undefined;
  #format: AnswerFormat | undefined;
  #supportsTools: boolean | undefined;
  #printedCalls: PrintedCalls | undefined;
  #printedSystem: PrintedSystem | undefined;
  #withTools: ChatTemplate | undefined;
  readonly #reasoning: ReasoningVariables;

  /** `now` is what templates print as today. */
  constructor(model: TemplateModel, now: () => Date = () => new Date()) {
    this.#model = model;
    this.#now = now;
    this.#template = model.chatTemplate === undefined ? undefined : parse(model.chatTemplate);
    this.#specialTexts = new SpecialTexts(model.specialTexts);
    this.#reasoning = new ReasoningVariables(
      this.source,
      (variables) => this.#try([{ role: "user", content: "Hi" }], { variables }, this.#messageForm),
      () => this.format.thoughts?.close,
    );
  }

  /** False for base models, which were trained on text and not on conversations, and where the template can't be read. */
  get hasTemplate(): boolean {
    return this.#template !== undefined;
  }

  /** The template of conversations in which tools are declared. */
  get withTools(): ChatTemplate {
    const { toolTemplate: chatTemplate, ...model } = this.#model;
    if (chatTemplate === undefined) return this;
    this.#withTools ??= new ChatTemplate({ ...model, chatTemplate }, this.#now);
    return this.#withTools;
  }

  /** How the template's model writes thoughts and calls. */
  get format(): AnswerFormat {
    this.#format ??= exceptionalFormat(this.source) ?? this.#learnFormat();
    return this.#format;
  }

  get source(): string {
    return this.#model.chatTemplate ?? "";
  }

  /** True when the template itself describes the tools to the model. */
  get supportsTools(): boolean {
    this.#supportsTools ??=
      /tools\b|\bfunctions\b/.test(this.source) &&
      this.#try([{ role: "user", content: "Hi" }], { tools: [{ name: "qztool" }] })?.includes("qztool") ===
        true;
    return this.#supportsTools;
  }

  get #calls(): PrintedCalls {
    this.#printedCalls ??= printedCalls((messages, tools) =>
      this.#try(messages, { tools }, this.#messageForm),
    );
    return this.#printedCalls;
  }

  /** The prompt that asks the model for the assistant's next message. @throws InvalidRequestError as `tell` does */
  render(messages: readonly ChatMessage[], options: RenderOptions = {}): Prompt {
    return this.tell(messages, options).prompt;
  }

  /**
   * The prompt, and what had to be changed: where the template refuses the conversation, it is tried in other forms
   * (`adaptations`).
   * @throws InvalidRequestError with the template's own words when it refuses them all
   */
  tell(messages: readonly ChatMessage[], options: RenderOptions = {}): ToldPrompt {
    const { tools = [] } = options;
    if (this.#template === undefined)
      return { prompt: transcript(withToolInstructions(messages.map(asSystem), tools)), changes: [] };
    const known = this.#withKnownSystem(messages);
    const whole = this.supportsTools ? known : { ...known, messages: this.#withTold(known.messages, tools) };
    const told = adapted({ ...whole, tools }, [
      ...(this.#calls.areBesideText ? [] : [textApart]),
      ...(this.#calls.count === 1 ? [singleCalls] : []),
    ]);
    const marker = this.#specialTexts.marker(told.messages, tools, options.variables);
    const { text, changes } = this.#adapted(this.#template, told, options, marker);
    const { bosText } = this.#model;
    const parts = this.#specialTexts.split(text, marker);
    const plain = parts.map((part) => (part.type === "text" ? part.text : "")).join("");
    return {
      prompt: {
        parts,
        addBos: bosText === "" || !text.startsWith(bosText),
        messages: messageSpans(plain, told.messages),
      },
      changes,
    };
  }

  /** Tools that are described in our words are called in the form that these give. */
  #learnFormat(): AnswerFormat {
    const known = knownFormat(this.source);
    if (this.#template === undefined) return known;
    const form = this.#messageForm;
    const learned = learnFormat(
      (messages, tools, isAnswerOpen = false) =>
        this.#try(messages, { tools, variables: switched(true) }, form, isAnswerOpen),
      known,
    );
    return this.supportsTools || this.#calls.areWithResults ? learned : { ...learned, calls: known.calls };
  }

  /** Tools that the template does not declare, in the system message; the calls in its own form where it has one. */
  #withTold(messages: readonly ChatMessage[], tools: readonly Tool[]): readonly ChatMessage[] {
    return this.#calls.areWithResults
      ? withDeclarations(messages, tools, this.#example)
      : withToolInstructions(messages, tools, this.#calls.count === 0);
  }

  /** A broken message, but for the example of a call at the end of ours: it is written in the model's own tokens. */
  #brokenButExample(message: ChatMessage, marker: string): ChatMessage {
    const isOurs = !this.supportsTools && this.#calls.areWithResults && message.role === "system";
    if (!isOurs || !message.content.endsWith(this.#example)) return this.#specialTexts.break(message, marker);
    const told = { ...message, content: message.content.slice(0, -this.#example.length) };
    const broken = this.#specialTexts.break(told, marker);
    return { ...broken, content: broken.content + this.#example };
  }

  get #example(): string {
    return writeCalls([{ id: "", name: "function name", arguments: "{}" }], this.format.calls);
  }

  get #messageForm(): MessageForm {
    this.#form ??= findMessageForm(this.source, (probe, form) => this.#try(probe, {}, form));
    return this.#form;
  }

  /** The operator's messages under the role and at the place at which the template prints them. */
  #withKnownSystem(messages: readonly ChatMessage[]): Told {
    this.#printedSystem ??= printedSystem((probe) => this.#try(probe, {}, this.#messageForm));
    const { isDeveloperPrinted, areAllPrinted } = this.#printedSystem;
    // Templates that print whatever role there is know none by this name.
    const known = isDeveloperPrinted && this.source.includes("developer") ? messages : messages.map(asSystem);
    return adapted({ messages: known, tools: [], changes: [] }, areAllPrinted ? [] : [joinedSystem]);
  }

  #adapted(
    template: Jinja,
    told: Told,
    options: RenderOptions,
    marker: string,
  ): { readonly text: string; readonly changes: readonly string[] } {
    let refusal: TemplateError | undefined;
    for (const steps of [[], ...adaptations]) {
      const { messages, tools, changes } = adapted(told, steps);
      try {
        const text = this.#apply(template, messages, { ...options, tools }, this.#messageForm, marker);
        return { text, changes };
      } catch (error) {
        if (!(error instanceof TemplateError)) throw error;
        refusal ??= error;
        if (error instanceof BoundsError) break;
      }
    }
    throw new InvalidRequestError(`The model's chat template refused the messages: ${refusal?.message}`, {
      param: "messages",
      cause: refusal,
    });
  }

  /** Calls that the template would leave out are written into the text, as the model writes them. */
  #toMessage(message: ChatMessage, form: MessageForm, isProbe: boolean): object {
    const { toolCalls = [], ...rest } = message;
    if (toolCalls.length === 0 || isProbe || this.#calls.count > 0) return toTemplateMessage(message, form);
    const written = writeCalls(toolCalls, this.format.calls);
    return toTemplateMessage({ ...rest, content: message.content + written }, form);
  }

  /** What a probe renders to, undefined where the template refuses it. */
  #try(
    messages: readonly ChatMessage[],
    options: RenderOptions,
    form?: MessageForm,
    isAnswerOpen = true,
  ): string | undefined {
    if (this.#template === undefined) return undefined;
    try {
      const known = form ?? { arguments: "object", thoughts: "reasoning_content" };
      return this.#apply(this.#template, messages, options, known, "", isAnswerOpen);
    } catch (error) {
      if (error instanceof TemplateError) return undefined;
      throw error;
    }
  }

  /** @throws TemplateError when the template refuses the messages */
  #apply(
    template: Jinja,
    messages: readonly ChatMessage[],
    { tools = [], reasoning = {}, variables }: RenderOptions,
    form: MessageForm,
    marker: string,
    isAnswerOpen = true,
  ): string {
    const broken = <T>(value: T): T => (marker === "" ? value : this.#specialTexts.break(value, marker));
    const now = this.#now();
    const described = tools.length > 0 ? broken(tools.map(describeTool)) : undefined;
    return template.render(
      {
        datetime: formatTime(now, "%b %d %Y"),
        date_string: formatTime(now, "%d %b %Y"),
        ...this.#reasoning.of(reasoning),
        ...broken(variables ?? {}),
        messages: messages.map((message, index) =>
          this.#toMessage(
            index === 0 && tools.length > 0 && marker !== ""
              ? this.#brokenButExample(message, marker)
              : broken(message),
            form,
            marker === "",
          ),
        ),
        // SmolLM3 and Firefunction have names of their own for them.
        ...(described !== undefined && {
          tools: described,
          xml_tools: described,
          functions: JSON.stringify(described, null, 4),
        }),
        add_generation_prompt: isAnswerOpen,
        bos_token: this.#model.bosText,
        eos_token: this.#model.eosText,
      },
      now,
    );
  }
}

/** `developer` is OpenAI's newer name of `system`, which few templates know. */
function asSystem(message: ChatMessage): ChatMessage {
  return message.role === "developer" ? { ...message, role: "system" } : message;
}

/** Undefined for what is not Jinja: `templateProblem` reports it when the model is loaded. */
function parse(source: string): Jinja | undefined {
  try {
    return new Jinja(source);
  } catch {
    return undefined;
  }
}

/** Why a model's chat template can't be used; undefined when it can be, or when there is none. */
export function templateProblem(model: TemplateModel): string | undefined {
  if (model.chatTemplate === undefined) return undefined;
  try {
    new Jinja(model.chatTemplate);
    new ChatTemplate(model).render([{ role: "user", content: "Hi" }]);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
