/**
 * Clients disagree about whose word `/v1` is: some are given the address with it and some without, and add their own. A
 * path that no route has is tried with one `/v1` in front.
 */
export function versioned(url: string, isKnown: (path: string) => boolean): string {
  const end = url.indexOf("?");
  const path = end < 0 ? url : url.slice(0, end);
  if (isKnown(path)) return url;
  const candidate = path.startsWith("/v1/v1/") ? path.slice(3) : `/v1${path}`;
  return isKnown(candidate) ? candidate + url.slice(path.length) : url;
}
