import { Type } from "typebox";
import { InvalidRequestError } from "../../../errors.ts";
import { OneOf } from "../../../platform/schema/one-of.ts";
import type { Metric } from "./metric.ts";

const RegexOptions = Type.Object(
  {
    pattern: Type.Optional(
      Type.String({ minLength: 1, maxLength: 1000, description: "A JavaScript regular expression." }),
    ),
    flags: Type.Optional(
      Type.String({ pattern: "^[imsu]*$", maxLength: 4, description: "Any of `i`, `m`, `s`, `u`." }),
    ),
    match: Type.Optional(
      OneOf(["search", "full"], {
        default: "search",
        description: "Somewhere in the response, or all of it.",
      }),
    ),
  },
  { additionalProperties: false },
);

/** 1 when the pattern matches. Patterns are untrusted code: they run in the sandbox, which ends them when they take too long. */
export const regex: Metric<typeof RegexOptions> = {
  summary: "A regular expression matches the response.",
  needsReference: false,
  options: RegexOptions,
  score: async (response, _reference, { pattern, flags = "", match = "search" }, { sandbox, signal }) => {
    if (pattern === undefined) throw new InvalidRequestError("regex needs a pattern.", { param: "pattern" });
    const source = match === "full" ? `^(?:${pattern})$` : pattern;
    const { matched, groups } = await sandbox.run(
      { type: "regex", pattern: source, flags, text: response },
      signal,
    );
    return { value: matched ? 1 : 0, details: { groups } };
  },
};
