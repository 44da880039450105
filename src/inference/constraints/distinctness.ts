import { canonicalJson } from "../../platform/digest.ts";

/** A list that is shared by everything that continues it. */
interface Chain<T> {
  readonly value: T;
  readonly before: Chain<T> | undefined;
}

interface Level {
  readonly kind: "object" | "array";
  /** Keys of an object; items of an array whose items must differ, as canonical JSON. */
  readonly seen: Chain<string> | undefined;
  readonly isUnique: boolean;
  /** Objects and arrays that it is in, itself included. */
  readonly depth: number;
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

/** What must still come out different: a key of the object, or an item of the array, at a depth. */
export interface Stake {
  readonly kind: "key" | "item";
  readonly depth: number;
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
  return canonicalJson(JSON.parse(text));
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

  /** What follows must not repeat something; undefined where nothing is there that it could repeat. */
  get stake(): Stake | undefined {
    const { level, within, expectsKey } = this.#place;
    let array: Level | undefined;
    for (let at = level; at !== undefined; at = at.above)
      if (at.isUnique && at.seen !== undefined) array = at;
    if (array !== undefined) return { kind: "item", depth: array.depth };
    const isAtKey = level?.seen !== undefined && level.kind === "object" && (within === "key" || expectsKey);
    return isAtKey ? { kind: "key", depth: level.depth } : undefined;
  }

  /** Whether a key is over, or the array of an item. */
  isPast({ kind, depth }: Stake): boolean {
    const { level, within, expectsKey } = this.#place;
    const own = level?.depth ?? 0;
    return own < depth || (kind === "key" && own === depth && within === "nothing" && !expectsKey);
  }

  /** Whether a string or a key has begun and not ended. */
  get isInText(): boolean {
    return this.#place.within === "key" || this.#place.within === "string";
  }

  /** Behind one more byte; null where it makes two alike. `isUnique`: the items of an array that begins here must differ. */
  step(byte: number, isUnique: boolean): Distinctness | null {
    const { level, within } = this.#place;
    const read =
      within === "key" || level?.isUnique === true || isTraced(level)
        ? { value: byte, before: this.#place.read }
        : undefined;
    const next =
      within === "key" || within === "string"
        ? this.#inString(byte, read)
        : this.#between(byte, read, isUnique);
    return next && new Distinctness(next);
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
          depth: (level?.depth ?? 0) + 1,
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
      default:
        return { ...place, within: "scalar" };
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
