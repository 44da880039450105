import type { LookAnswer } from "../../../src/instruments/microscope/schema.ts";

export type Token = LookAnswer["tokens"][number];
export type Choice = LookAnswer["choices"][number];
export type Attention = NonNullable<LookAnswer["attention"]>;

/** A token's text with its white space to be seen. */
export function visible(text: string): string {
  if (text === "") return "∅";
  return text.replaceAll(" ", "·").replaceAll("\n", "↵").replaceAll("\t", "⇥").replaceAll("\r", "␍");
}

/** Probabilities that are exceeded by what is expected, by the degree of surprise. */
const bounds = [0.5, 0.1, 0.01, 0.001];

/** How unexpected a token was: 0 is likelier than not, 4 had less than a thousandth. */
export function surprise({ logprob }: Token): number {
  const degree = bounds.findIndex((bound) => logprob === null || Math.exp(logprob) > bound);
  return degree < 0 ? bounds.length : degree;
}
