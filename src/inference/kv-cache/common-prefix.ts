/** Leading tokens two lists have in common. */
export function commonPrefix(tokens: ArrayLike<number>, prompt: ArrayLike<number>): number {
  const limit = Math.min(tokens.length, prompt.length);
  let length = 0;
  while (length < limit && tokens[length] === prompt[length]) length++;
  return length;
}
