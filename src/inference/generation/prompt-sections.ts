import type { PromptSection } from "../cache-report.ts";
import type { MessageSpan } from "../engine.ts";

/**
 * Divides the tokens of `text` among its messages and what stands between them; a token that is of two belongs to the one
 * that it begins in. `bytesOf` is what a token stands for in the text; a beginning-of-sequence token and a blank that a
 * tokenizer puts first are of no message.
 */
export function promptSections(
  text: string,
  messages: readonly MessageSpan[],
  tokens: ArrayLike<number>,
  bytesOf: (token: number) => number,
): readonly PromptSection[] {
  const written = Array.from(tokens, bytesOf).reduce((sum, bytes) => sum + bytes, 0);
  const bounds = boundsInBytes(text, messages);
  const sections: PromptSection[] = [];
  let at = 0;
  let position = Buffer.byteLength(text) - written;
  const take = (until: number, message?: PromptSection["message"]) => {
    const first = at;
    for (; at < tokens.length && position < until; at++) position += bytesOf(tokens[at] as number);
    if (at > first) sections.push({ tokens: at - first, ...(message !== undefined && { message }) });
  };
  for (const { from, until, index, role } of bounds) {
    take(from);
    take(until, { index, role });
  }
  take(Number.POSITIVE_INFINITY);
  return sections;
}

function boundsInBytes(text: string, messages: readonly MessageSpan[]): readonly MessageSpan[] {
  let at = 0;
  let bytes = 0;
  const advance = (to: number) => {
    bytes += Buffer.byteLength(text.slice(at, to));
    at = to;
    return bytes;
  };
  return messages.map(({ from, until, ...message }) => ({
    ...message,
    from: advance(from),
    until: advance(until),
  }));
}
