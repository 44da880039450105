import { Template } from "@huggingface/jinja";
import { InvalidRequestError } from "../../errors.ts";
import type { Prompt } from "../../inference/engine.ts";
import type { AnswerFormat } from "../formats/format.ts";
import { knownFormat } from "../formats/known-formats.ts";
import type { ChatMessage, Tool } from "./message.ts";
import { SpecialTexts } from "./special-texts.ts";
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
  /** Functions that the model is told it may call. */
  readonly tools?: readonly Tool[];
  /** What templates of reasoning models (Qwen3) know as `enable_thinking`. */
  readonly thinks?: boolean;
}

/**
 * Turns messages into a prompt with the model's own Jinja template. The template's special tokens are parsed as such;
 * a message, a name, a tool's description or its result that spells one (`<|im_start|>`) stays plain text.
 */
export class ChatTemplate {
  readonly #model: TemplateModel;
  readonly #template: Template | undefined;
  readonly #specialTexts: SpecialTexts;

  constructor(model: TemplateModel) {
    this.#model = model;
    this.#template = model.chatTemplate === undefined ? undefined : parse(model.chatTemplate);
    this.#specialTexts = new SpecialTexts(model.specialTexts);
  }

  /** False for base models, which were trained on text and not on conversations, and where the template can't be read. */
  get hasTemplate(): boolean {
    return this.#template !== undefined;
  }

  /** How the template's model writes thoughts and calls. */
  get format(): AnswerFormat {
    return knownFormat(this.source);
  }

  get source(): string {
    return this.#model.chatTemplate ?? "";
  }

  /** True when the template itself tells the model of its tools. */
  get supportsTools(): boolean {
    return /\btools\b/.test(this.source);
  }

  /**
   * The prompt that asks the model for the assistant's next message.
   * @throws InvalidRequestError when the template refuses the messages, as some do for roles they don't know
   */
  render(messages: readonly ChatMessage[], { tools = [], thinks }: RenderOptions = {}): Prompt {
    const known = this.#withKnownRoles(messages);
    if (this.#template === undefined) return transcript(withToolInstructions(known, tools));
    const spoken = this.supportsTools ? known : withToolInstructions(known, tools);
    const marker = this.#specialTexts.marker(spoken, tools);
    const variables = {
      messages: spoken.map((message) => this.#specialTexts.break(toTemplateMessage(message), marker)),
      ...(this.supportsTools &&
        tools.length > 0 && { tools: this.#specialTexts.break(tools.map(describeTool), marker) }),
      ...(thinks !== undefined && { enable_thinking: thinks }),
    };
    const rendered = this.#apply(this.#template, variables);
    const { bosText } = this.#model;
    return {
      parts: this.#specialTexts.split(rendered, marker),
      addBos: bosText === "" || !rendered.startsWith(bosText),
    };
  }

  /** `developer` is OpenAI's newer name of `system`, which few templates know. */
  #withKnownRoles(messages: readonly ChatMessage[]): readonly ChatMessage[] {
    if (this.source.includes("developer")) return messages;
    return messages.map((message) =>
      message.role === "developer" ? { ...message, role: "system" } : message,
    );
  }

  #apply(template: Template, variables: Readonly<Record<string, unknown>>): string {
    try {
      return template.render({
        ...variables,
        add_generation_prompt: true,
        bos_token: this.#model.bosText,
        eos_token: this.#model.eosText,
      });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new InvalidRequestError(`The model's chat template refused the messages: ${reason}`, {
        param: "messages",
        cause: error,
      });
    }
  }
}

/** Undefined for what is no Jinja, or more of it than the library knows: `templateProblem` says so when the model is loaded. */
function parse(source: string): Template | undefined {
  try {
    return new Template(source);
  } catch {
    return undefined;
  }
}

/** Why a model's chat template can't be read; undefined when it can be, or when there is none. */
export function templateProblem({ chatTemplate }: Pick<TemplateModel, "chatTemplate">): string | undefined {
  if (chatTemplate === undefined) return undefined;
  try {
    new Template(chatTemplate);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** A message in the form that Hugging Face's templates expect: OpenAI's, with the arguments of calls as objects. */
function toTemplateMessage(message: ChatMessage): object {
  const { role, content, reasoning, toolCalls, toolCallId, name } = message;
  return {
    role,
    content,
    ...(reasoning !== undefined && { reasoning_content: reasoning }),
    ...(name !== undefined && { name }),
    ...(toolCallId !== undefined && { tool_call_id: toolCallId }),
    ...(toolCalls !== undefined &&
      toolCalls.length > 0 && {
        tool_calls: toolCalls.map((call) => ({
          id: call.id,
          type: "function",
          function: { name: call.name, arguments: parseArguments(call.arguments) },
        })),
      }),
  };
}

/** What a client sends back as arguments may be anything; a template prints text as it is. */
function parseArguments(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
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
