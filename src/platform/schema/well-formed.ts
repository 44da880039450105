/** Whether every tokenizer and database takes `text`: no lone surrogate, no NUL. */
export function isWellFormed(text: string): boolean {
  return text.isWellFormed() && !text.includes("\0");
}

/** What a text that is not well-formed is refused with, after its field's name. */
export const NOT_WELL_FORMED = "must be well-formed Unicode text without NUL characters";

/** `text` with U+FFFD for what no tokenizer or database takes. */
export function toWellFormed(text: string): string {
  return text.toWellFormed().replaceAll("\0", "\ufffd");
}
