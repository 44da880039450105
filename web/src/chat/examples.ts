import type { Parameters } from "./parameters.ts";

/** What editors begin with. */
export const exampleSchema: Record<string, unknown> = {
  type: "object",
  properties: { title: { type: "string" }, stars: { type: "integer", minimum: 1, maximum: 5 } },
  required: ["title", "stars"],
  additionalProperties: false,
};

export const exampleTools: NonNullable<Parameters["tools"]> = [
  {
    type: "function",
    function: {
      name: "get_weather",
      description: "The weather in a city.",
      parameters: {
        type: "object",
        properties: { city: { type: "string" } },
        required: ["city"],
        additionalProperties: false,
      },
    },
  },
];
