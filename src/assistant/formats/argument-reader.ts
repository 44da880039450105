/** Turns written arguments into the text of a JSON object, as they stream. */
export interface ArgumentReader {
  /** JSON that `text` adds, and what followed the arguments once they have ended; undefined while they continue. */
  push(text: string): { readonly json: string; readonly rest: string | undefined };
  /** JSON of what was held back, when the answer ends within the arguments. */
  end(): string;
}
