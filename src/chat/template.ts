import { Template } from "@huggingface/jinja";
import { InvalidRequestError } from "../errors.ts";
import type { Prompt, PromptPart } from "../inference/engine.ts";

export interface ChatMessage {
  readonly role: string;
  readonly content: string;
}

/** What a template needs to know of its model. */
export interface TemplateModel {
  readonly chatTemplate: string | undefined;
  readonly bosText: string;
  readonly eosText: string;
  /** Texts that the tokenizer reads as special tokens. */
  readonly specialTexts: readonly string[];
}

/** Unicode noncharacters: no text has a use for them, so one marks where a special token's text was broken up. */
const MARKERS = Array.from({ length: 32 }, (_, index) => String.fromCodePoint(0xfdd0 + index));

/**
 * Turns messages into a prompt with the model's own Jinja template.
 *
 * The template's special tokens are parsed as such; a message that spells one (`<|im_start|>`) stays plain text. For
 * that, each such spelling in a message is broken by a marker before rendering, and the rendered text is cut at the
 * markers, so that no piece that reaches the tokenizer holds the whole spelling.
 */
export class ChatTemplate {
  readonly #model: TemplateModel;
  readonly #template: Template | undefined;

  constructor(model: TemplateModel) {
    this.#model = model;
    this.#template = model.chatTemplate === undefined ? undefined : new Template(model.chatTemplate);
  }

  /** False for base models, which were trained on text and not on conversations. */
  get hasTemplate(): boolean {
    return this.#template !== undefined;
  }

  /**
   * The prompt that asks the model for the assistant's next message.
   * @throws InvalidRequestError when the template refuses the messages, as some do for roles they don't know
   */
  render(messages: readonly ChatMessage[]): Prompt {
    if (this.#template === undefined) return transcript(messages);
    const marker = unusedMarker(messages);
    const rendered = this.#apply(
      this.#template,
      messages.map((message) => ({ ...message, content: this.#breakSpecialTexts(message.content, marker) })),
    );
    const parts = rendered
      .split(marker)
      .map((text): PromptPart => ({ type: "text", text, parseSpecial: true }));
    const { bosText } = this.#model;
    return { parts, addBos: bosText === "" || !rendered.startsWith(bosText) };
  }

  #apply(template: Template, messages: readonly ChatMessage[]): string {
    try {
      return template.render({
        messages: [...messages],
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

  #breakSpecialTexts(content: string, marker: string): string {
    let safe = content;
    for (const special of this.#model.specialTexts) {
      if (special.length > 1)
        safe = safe.replaceAll(special, () => special.slice(0, 1) + marker + special.slice(1));
    }
    return safe;
  }
}

function unusedMarker(messages: readonly ChatMessage[]): string {
  const marker = MARKERS.find((candidate) => !messages.some(({ content }) => content.includes(candidate)));
  if (marker === undefined) {
    throw new InvalidRequestError("The messages hold every Unicode noncharacter from U+FDD0 to U+FDEF.");
  }
  return marker;
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
