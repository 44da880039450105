import { InvalidRequestError } from "../../errors.ts";
import type { Prompt } from "../../inference/engine.ts";
import type { AnswerFormat } from "../formats/format.ts";
import { exceptionalFormat, knownFormat } from "../formats/known-formats.ts";
import { learnFormat } from "../formats/learned-format.ts";
import { writeCalls } from "../formats/written-calls.ts";
import { oneCallAtATime, otherForms, systemFirst, textApart } from "./adaptations.ts";
import { Jinja } from "./jinja/jinja.ts";
import { formatTime } from "./jinja/strftime.ts";
import { BoundsError, TemplateError } from "./jinja/values.ts";
import type { ChatMessage, Tool } from "./message.ts";
import { type PrintedCalls, printedCalls } from "./printed-calls.ts";
import { type PrintedSystem, printedSystem } from "./printed-system.ts";
import { SpecialTexts } from "./special-texts.ts";
import { findMessageForm, type MessageForm, toTemplateMessage } from "./template-message.ts";
import { describeTool, withToolInstructions } from "./tool-prompt.ts";

export type { ChatMessage } from "./message.ts";

/** What a template needs to know of its model. */
export interface TemplateModel {
  readonly chatTemplate: string | undefined;
  readonly bosText: string;
  readonly eosText: string;
  /** Texts that the tokenizer reads as special tokens. */
  readonly specialTexts: readonly string[];
}

export interface RenderOptions {
  /** Functions that the model may call. */
  readonly tools?: readonly Tool[];
  /** What templates of reasoning models know as `enable_thinking`, or as `thinking`. */
  readonly thinks?: boolean;
  /** What else the template reads: `chat_template_kwargs`. */
  readonly variables?: Readonly<Record<string, unknown>>;
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

  /** `now` is what templates print as today. */
  constructor(model: TemplateModel, now: () => Date = () => new Date()) {
    this.#model = model;
    this.#now = now;
    this.#template = model.chatTemplate === undefined ? undefined : parse(model.chatTemplate);
    this.#specialTexts = new SpecialTexts(model.specialTexts);
  }

  /** False for base models, which were trained on text and not on conversations, and where the template can't be read. */
  get hasTemplate(): boolean {
    return this.#template !== undefined;
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

  /**
   * The prompt that asks the model for the assistant's next message. Where the template refuses the conversation, it is
   * tried in other forms (`otherForms`).
   * @throws InvalidRequestError with the template's own words when it refuses them all
   */
  render(messages: readonly ChatMessage[], options: RenderOptions = {}): Prompt {
    const { tools = [] } = options;
    const known = this.#withKnownSystem(messages);
    if (this.#template === undefined) return transcript(withToolInstructions(known, tools));
    const told = this.supportsTools ? known : withToolInstructions(known, tools);
    const apart = this.#calls.areBesideText ? told : textApart(told);
    const spoken = this.#calls.count === 1 ? oneCallAtATime(apart) : apart;
    const marker = this.#specialTexts.marker(spoken, tools, options.variables);
    const rendered = this.#adapted(this.#template, spoken, options, marker);
    const { bosText } = this.#model;
    return {
      parts: this.#specialTexts.split(rendered, marker),
      addBos: bosText === "" || !rendered.startsWith(bosText),
    };
  }

  /** Tools that are described in our words are called in the form that these give. */
  #learnFormat(): AnswerFormat {
    const known = knownFormat(this.source);
    if (this.#template === undefined) return known;
    const form = this.#messageForm;
    const learned = learnFormat(
      (messages, tools, isAnswerOpen = false) =>
        this.#try(messages, { tools, thinks: true }, form, isAnswerOpen),
      known,
    );
    return this.supportsTools ? learned : { ...learned, calls: known.calls };
  }

  get #messageForm(): MessageForm {
    this.#form ??= findMessageForm(this.source, (probe, form) => this.#try(probe, {}, form));
    return this.#form;
  }

  /** The operator's messages under the role and at the place at which the template prints them. */
  #withKnownSystem(messages: readonly ChatMessage[]): readonly ChatMessage[] {
    if (this.#template === undefined) return messages.map(asSystem);
    this.#printedSystem ??= printedSystem((probe) => this.#try(probe, {}, this.#messageForm));
    const { isDeveloperPrinted, areAllPrinted } = this.#printedSystem;
    // Templates that print whatever role there is know none by this name.
    const known = isDeveloperPrinted && this.source.includes("developer") ? messages : messages.map(asSystem);
    return areAllPrinted ? known : systemFirst(known);
  }

  #adapted(
    template: Jinja,
    messages: readonly ChatMessage[],
    options: RenderOptions,
    marker: string,
  ): string {
    const form = this.#messageForm;
    try {
      return this.#apply(template, messages, options, form, marker);
    } catch (refusal) {
      if (!(refusal instanceof TemplateError)) throw refusal;
      const forms = refusal instanceof BoundsError ? [] : otherForms(messages, options.tools ?? []);
      for (const { messages: adapted, tools } of forms) {
        try {
          return this.#apply(template, adapted, { ...options, tools }, form, marker);
        } catch (error) {
          if (!(error instanceof TemplateError)) throw error;
        }
      }
      throw new InvalidRequestError(`The model's chat template refused the messages: ${refusal.message}`, {
        param: "messages",
        cause: refusal,
      });
    }
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
    { tools = [], thinks, variables }: RenderOptions,
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
        ...(thinks !== undefined && { enable_thinking: thinks, thinking: thinks }),
        ...broken(variables ?? {}),
        messages: messages.map((message) => this.#toMessage(broken(message), form, marker === "")),
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

/**
 * For models without a template: one message is given to the model to continue, as it is; a conversation becomes a
 * transcript of `Role: content` lines that ends where the assistant should speak.
 */
export function transcript(messages: readonly ChatMessage[]): Prompt {
  const only = messages.length === 1 ? messages[0] : undefined;
  const lines = messages.map(
    ({ role, content }) => `${role.charAt(0).toUpperCase()}${role.slice(1)}: ${content}\n`,
  );
  return plainPrompt(only?.content ?? `${lines.join("")}Assistant:`);
}

/** Text for the model to continue, with nothing in it read as a special token. */
export function plainPrompt(text: string): Prompt {
  return { parts: [{ type: "text", text, parseSpecial: false }], addBos: true };
}
