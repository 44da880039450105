import { Type } from "typebox";

/** Text that a client sends: well-formed Unicode. */
export const LongText = Type.String({ maxLength: 1_000_000, format: "text" });

/** Text that a client sends: 1 to 200,000 characters, not only white space. */
export function PromptText(description: string) {
  return Type.String({ maxLength: 200_000, pattern: "\\S", format: "text", description });
}

/** One text before which an answer ends, or up to `most` of them: one schema and no union, because errors must name the text at fault. */
export function StopTexts(most: number) {
  const text = { minLength: 1, maxLength: 1000, format: "text" };
  return Type.Unsafe<string | string[]>({
    type: ["string", "array"],
    ...text,
    items: { type: "string", ...text },
    maxItems: most,
    description: `Text, or up to ${most} texts, before which the answer ends.`,
  });
}
