import { type Static, Type } from "typebox";
import { cacheStops } from "../inference/cache-report.ts";
import { type StepPart, stepParts } from "../inference/generation-parts.ts";
import { OneOf } from "../platform/schema/one-of.ts";
import { explanations } from "./context-receipt.ts";
import { type LatencyPart, latencyPartNames } from "./latency-parts.ts";
import { classOf, type LimiterClass, labels, limiterClasses } from "./verdict.ts";

/** How a figure is known. */
const sources = ["measured", "estimated"] as const;

export const PartDefinition = Type.Object({
  name: Type.String(),
  class: Type.String({ description: "The limiter class that it counts for." }),
  meaning: Type.String(),
  source: OneOf(sources, {
    description:
      "`estimated`: divided among what shared a step by the model that is fitted to this machine's steps.",
  }),
});
type PartDefinition = Static<typeof PartDefinition>;

export const ClassDefinition = Type.Object({ name: Type.String(), meaning: Type.String() });

/** What each class means, as verdicts put it. */
export const classDefinitions: ReadonlyArray<Static<typeof ClassDefinition>> = limiterClasses.map(
  (name: LimiterClass) => ({ name, meaning: labels[name] }),
);

/** Why the cache stopped where it did, in receipts. */
export const stopDefinitions: ReadonlyArray<Static<typeof ClassDefinition>> = cacheStops.map((name) => ({
  name,
  meaning: explanations[name],
}));

type Known = Pick<PartDefinition, "meaning" | "source">;
const measured = (meaning: string): Known => ({ meaning, source: "measured" });
const estimated = (meaning: string): Known => ({ meaning, source: "estimated" });

const steps: Readonly<Record<StepPart, Known>> = {
  turn: measured("Steps in which its prompt got no token, or one."),
  weights: estimated(
    "Passes over the model's weights, which every step needs, whichever requests are in it.",
  ),
  own_prefill: estimated("Computing its own prompt tokens."),
  others_prefill: estimated("Computing other requests' prompt tokens in the same steps."),
  own_rows: estimated("Computing its own tokens."),
  others_rows: estimated("Computing other requests' tokens, in the same steps or in turn with its own."),
  own_kv: estimated("Reading the keys and values of its own earlier tokens."),
  others_kv: estimated("Reading those of other requests in the same steps."),
  own_sampling: measured("Choosing its tokens, grammar included."),
  others_sampling: measured("Choosing other requests' tokens in the same steps."),
  processor: measured(
    "Compute threads that were ready to run and waited for a processor. Of steps under 8 ms that nothing holds up, one in four is looked into.",
  ),
  unexplained: estimated("What steps took beyond all that."),
  overhead: measured("Planning, bookkeeping and pauses between steps."),
};

const others: Readonly<Record<Exclude<LatencyPart, `prefill_${StepPart}` | `decode_${StepPart}`>, Known>> = {
  receive: measured("First byte to the end of the body."),
  prepare: measured("Validation, template, tokenization, hand-over to the engine."),
  wait_step: measured("Waiting for the end of the step that was running."),
  wait_sequence: measured("Waiting for a sequence: all were in use."),
  wait_prefix: measured("Waiting for a prefix that another request was computing, to take it over."),
  wait_lane: measured("Batch work waiting for its share of the sequences."),
  between: measured("Between generations, or with none: retrieval, embeddings, another server's answer."),
  deliver: measured("Last token to the last byte handed to the connection, without waiting for the client."),
  send: measured("Waiting for the client to read."),
};

const phases = { prefill: "before the first token", decode: "after the first token" } as const;

const known = new Map<LatencyPart, Known>([
  ...(Object.entries(others) as Array<[LatencyPart, Known]>),
  ...(["prefill", "decode"] as const).flatMap((phase) =>
    stepParts.map((part): [LatencyPart, Known] => {
      const { meaning, source } = steps[part];
      return [`${phase}_${part}`, { meaning: `${meaning.slice(0, -1)}, ${phases[phase]}.`, source }];
    }),
  ),
]);

/** One definition for each part of a latency, in the order of the answers' accounts. */
export const partDefinitions: readonly PartDefinition[] = latencyPartNames.map((name) => {
  const definition = known.get(name);
  if (definition === undefined) throw new Error(`the latency part ${name} has no definition`);
  return { name, class: classOf(name), ...definition };
});
