import type { ChatCompletionBody } from "../../../src/dialects/openai/chat/schema.ts";

/** What is asked for beside the messages; what is left out is the server's choice. */
export type Parameters = Readonly<
  Partial<
    Pick<
      ChatCompletionBody,
      | "temperature"
      | "top_p"
      | "top_k"
      | "min_p"
      | "repeat_penalty"
      | "presence_penalty"
      | "frequency_penalty"
      | "max_completion_tokens"
      | "seed"
      | "stop"
      | "reasoning_effort"
      | "response_format"
      | "tools"
      | "tool_choice"
    >
  >
>;

export interface NumberParameter {
  readonly name: keyof Parameters;
  readonly label: string;
  readonly min: number;
  readonly max?: number;
  readonly step: number | "any";
  /** What holds while it is empty. */
  readonly otherwise: string;
  readonly hint: string;
}

export const numberParameters: readonly NumberParameter[] = [
  {
    name: "temperature",
    label: "Temperature",
    min: 0,
    max: 2,
    step: "any",
    otherwise: "1",
    hint: "Randomness; 0 always takes the likeliest token.",
  },
  {
    name: "max_completion_tokens",
    label: "Most tokens",
    min: 1,
    step: 1,
    otherwise: "what the context has room for",
    hint: "The answer ends there, whatever it was about to say.",
  },
  {
    name: "top_p",
    label: "Top p",
    min: 0,
    max: 1,
    step: "any",
    otherwise: "1",
    hint: "Keeps the likeliest tokens that together have this probability.",
  },
  {
    name: "top_k",
    label: "Top k",
    min: 0,
    max: 1_000_000,
    step: 1,
    otherwise: "all",
    hint: "Keeps this many of the likeliest tokens.",
  },
  {
    name: "min_p",
    label: "Min p",
    min: 0,
    max: 1,
    step: "any",
    otherwise: "0",
    hint: "Keeps tokens at least this likely, relative to the likeliest.",
  },
  {
    name: "repeat_penalty",
    label: "Repeat penalty",
    min: 0.01,
    max: 10,
    step: "any",
    otherwise: "1",
    hint: "Above 1 discourages the last 64 tokens.",
  },
  {
    name: "seed",
    label: "Seed",
    min: Number.MIN_SAFE_INTEGER,
    step: 1,
    otherwise: "drawn anew each time",
    hint: "The same seed draws the same tokens.",
  },
];

/** `parameters` with one of them set, or left to the server. */
export function withParameter<K extends keyof Parameters>(
  parameters: Parameters,
  name: K,
  value: Parameters[K] | undefined,
): Parameters {
  const { [name]: _, ...rest } = parameters;
  return value === undefined ? rest : { ...rest, [name]: value };
}
