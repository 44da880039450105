/** A list that is shared by everything that goes on from it. */
interface Chain<T> {
  readonly value: T;
  readonly before: Chain<T> | undefined;
}

interface Level {
  readonly kind: "object" | "array";
  /** Keys of an object; items of an array whose items must differ, as canonical JSON. */
  readonly seen: Chain<string> | undefined;
  readonly isUnique: boolean;
  /** What was read before the present item. */
  readonly from: Chain<number> | undefined;
  readonly above: Level | undefined;
}

interface Place {
  readonly level: Level | undefined;
  readonly within: "nothing" | "key" | "string" | "scalar";
  readonly isEscaped: boolean;
  /** The next string is a key. */
  readonly expectsKey: boolean;
  /** Bytes of the present key, or since the outermost array whose items must differ. */
  readonly read: Chain<number> | undefined;
}

function* each<T>(chain: Chain<T> | undefined, until?: Chain<T>): Iterable<T> {
  for (let at = chain; at !== undefined && at !== until; at = at.before) yield at.value;
}

function textOf(chain: Chain<number> | undefined, from: Chain<number> | undefined): string {
  // Marks of where keys begin are not bytes.
  const bytes = [...each(chain, from)].filter((byte) => byte >= 0);
  return Buffer.from(bytes.reverse()).toString("utf8");
}

/** Equal values have the same text: keys sorted, numbers and strings in one way. */
function canonical(text: string): string {
  const sorted = (_key: string, value: unknown) =>
    value !== null && typeof value === "object" && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value;
  return JSON.stringify(JSON.parse(text), sorted);
}

/** What the frames of a JSON text can't tell: that no object has a key twice, and that items differ where they must. */
export class Distinctness {
  readonly #place: Place;

  private constructor(place: Place) {
    this.#place = place;
  }

  static readonly start = new Distinctness({
    level: undefined,
    within: "nothing",
    isEscaped: false,
    expectsKey: false,
    read: undefined,
  });

  /**
   * Behind one more byte; null where it makes two alike. `isUnique`: the items of an array that begins here must
   * differ. `textsLeft`: the only strings that can follow.
   */
  step(byte: number, isUnique: boolean, textsLeft: readonly string[] | undefined): Distinctness | null {
    const { level, within } = this.#place;
    const read =
      within === "key" || level?.isUnique === true || isTraced(level)
        ? { value: byte, before: this.#place.read }
        : undefined;
    const next =
      within === "key" || within === "string"
        ? this.#inString(byte, read)
        : this.#between(byte, read, isUnique);
    if (next === null) return null;
    const isItem = next.within === "string" && next.level?.isUnique === true;
    if (isItem && textsLeft !== undefined) {
      const seen = new Set(each(next.level?.seen));
      if (textsLeft.every((text) => seen.has(JSON.stringify(text)))) return null;
    }
    return new Distinctness(next);
  }

  #inString(byte: number, read: Chain<number> | undefined): Place | null {
    const place = { ...this.#place, read };
    if (place.isEscaped) return { ...place, isEscaped: false };
    if (byte === 0x5c) return { ...place, isEscaped: true };
    if (byte !== 0x22) return place;
    if (place.within === "string") return afterItem({ ...place, within: "nothing" });
    const { level } = place;
    if (level === undefined) return { ...place, within: "nothing", expectsKey: false };
    const key: unknown = JSON.parse(`"${textOf(read?.before, keyStart(read?.before))}"`);
    const seen = withOther(level.seen, String(key));
    return seen && { ...place, within: "nothing", expectsKey: false, level: { ...level, seen } };
  }

  #between(byte: number, read: Chain<number> | undefined, isUnique: boolean): Place | null {
    const place = { ...this.#place, read };
    const { level } = place;
    switch (byte) {
      case 0x22: {
        const isKey = level?.kind === "object" && place.expectsKey;
        return isKey
          ? { ...place, within: "key", read: { value: -1, before: read } }
          : { ...place, within: "string" };
      }
      case 0x7b:
      case 0x5b: {
        const kind = byte === 0x7b ? "object" : "array";
        const own: Level = {
          kind,
          seen: undefined,
          isUnique: kind === "array" && isUnique,
          from: read,
          above: level,
        };
        return { ...place, level: own, within: "nothing", expectsKey: kind === "object" };
      }
      case 0x7d:
      case 0x5d: {
        // The last item of an array of scalars ends with the array.
        const closed =
          place.within === "scalar" ? afterItem({ ...place, read: read?.before, within: "nothing" }) : place;
        return (
          closed && afterItem({ ...closed, read, level: level?.above, within: "nothing", expectsKey: false })
        );
      }
      case 0x2c: {
        const ended =
          place.within === "scalar" ? afterItem({ ...place, read: read?.before, within: "nothing" }) : place;
        if (ended === null || ended.level === undefined) return ended;
        return {
          ...ended,
          expectsKey: ended.level.kind === "object",
          read,
          level: { ...ended.level, from: read },
        };
      }
      case 0x3a:
      case 0x20:
      case 0x09:
      case 0x0a:
        return place;
      default: {
        const isFirst = place.within === "nothing";
        const word = byte === 0x74 ? "true" : byte === 0x66 ? "false" : byte === 0x6e ? "null" : undefined;
        const isTwice =
          isFirst && word !== undefined && level?.isUnique === true && [...each(level.seen)].includes(word);
        return isTwice ? null : { ...place, within: "scalar" };
      }
    }
  }
}

/** Behind the mark that a key's beginning leaves. */
function keyStart(read: Chain<number> | undefined): Chain<number> | undefined {
  let at = read;
  while (at !== undefined && at.value !== -1) at = at.before;
  return at;
}

function isTraced(level: Level | undefined): boolean {
  for (let at = level; at !== undefined; at = at.above) if (at.isUnique) return true;
  return false;
}

function withOther(seen: Chain<string> | undefined, value: string): Chain<string> | null {
  for (const other of each(seen)) if (other === value) return null;
  return { value, before: seen };
}

/** Behind a value; where it is an item, it must be another than those before. */
function afterItem(place: Place): Place | null {
  const { level, read } = place;
  if (level?.isUnique !== true) return place;
  const text = textOf(read, level.from).trim();
  if (text === "") return place;
  const seen = withOther(level.seen, canonical(text));
  return seen && { ...place, level: { ...level, seen } };
}
