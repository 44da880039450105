/** No password belongs in a terminal, a log or an answer, wherever it was put. */
export function withoutPassword(text: string): string {
  return text.replace(/\/\/[^/\s]*@/, "//…@");
}
