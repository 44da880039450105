/** Whole seconds since 1970, as in `created`. */
export function unixSeconds(): number {
  return Math.floor(Date.now() / 1000);
}
