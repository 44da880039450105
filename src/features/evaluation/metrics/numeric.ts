import { Type } from "typebox";
import { InvalidRequestError } from "../../../errors.ts";
import { OneOf } from "../../../platform/schema/one-of.ts";
import type { Metric } from "./metric.ts";

const NumericOptions = Type.Object(
  {
    absolute: Type.Optional(
      Type.Number({ minimum: 0, default: 0, description: "Largest distance from the reference." }),
    ),
    relative: Type.Optional(
      Type.Number({ minimum: 0, default: 1e-9, description: "The same as a share of the reference." }),
    ),
    which: Type.Optional(
      OneOf(["last", "first", "only"], {
        default: "last",
        description: "The number that counts where a response has several; `only`: it must have just one.",
      }),
    ),
  },
  { additionalProperties: false },
);

/** Digits with or without thousands separators, fraction, exponent; a sign only where it isn't a hyphen (`1969-1972`). */
const number =
  /(?:(?<![\p{L}\p{N}])[-+])?(?:(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|(?<!\d)\.\d+)(?:e[-+]?\d+)?/giu;

/** Every number in a text, in order. */
export function numbersIn(text: string): readonly number[] {
  return [...text.replaceAll("\u2212", "-").matchAll(number)].map(([found]) =>
    Number(found.replaceAll(",", "")),
  );
}

/** 1 when the response's number is within the larger of both tolerances of the reference's. */
export const numericTolerance: Metric<typeof NumericOptions> = {
  summary: "The number in the response is the reference's, within a tolerance.",
  needsReference: true,
  options: NumericOptions,
  score: (response, reference, { absolute = 0, relative = 1e-9, which = "last" }) => {
    const expected = numbersIn(reference).at(-1);
    if (expected === undefined)
      throw new InvalidRequestError("The reference has no number to compare with.", { param: "reference" });
    const found = numbersIn(response);
    const said = which === "first" ? found[0] : found.at(-1);
    if (said === undefined || (which === "only" && found.length > 1)) {
      return { value: 0, details: { expected, numbers: found.length, reason: "no_single_number" } };
    }
    const tolerance = Math.max(absolute, relative * Math.abs(expected));
    return {
      value: Math.abs(said - expected) <= tolerance ? 1 : 0,
      details: { number: said, expected, tolerance },
    };
  },
};
