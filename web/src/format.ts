/** Numbers as people read them, in the browser's own language where that matters. */

const whole = new Intl.NumberFormat();

export function count(value: number): string {
  return whole.format(value);
}

/** `1 token`, `2 tokens`. */
export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
}

/** Milliseconds below ten seconds, with a decimal where it is of use; seconds and minutes above. */
export function duration(ms: number): string {
  if (ms < 10) return `${number(ms, 1)} ms`;
  if (ms < 10_000) return `${count(Math.round(ms))} ms`;
  if (ms < 60_000) return `${number(ms / 1000, 1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** By decimals: making one takes longer than all that it formats on a page. */
const formats = new Map<number, Intl.NumberFormat>();

/** With up to that many decimals. */
export function number(value: number, decimals: number): string {
  const format =
    formats.get(decimals) ?? new Intl.NumberFormat(undefined, { maximumFractionDigits: decimals });
  formats.set(decimals, format);
  return format.format(value);
}

export function percent(share: number, decimals = 0): string {
  return `${number(share * 100, decimals)} %`;
}

const units = ["B", "KiB", "MiB", "GiB", "TiB"];

export function bytes(value: number): string {
  const power = value < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(value) / 10));
  const scaled = value / 1024 ** power;
  return `${number(scaled, scaled < 10 && power > 0 ? 1 : 0)} ${units[power]}`;
}

/** Thousands, millions and so on, as parameters of models are counted. */
export function short(value: number): string {
  return new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 }).format(value);
}

const time = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });

/** The time of day, and the day where it was another. */
export function moment(at: number | string, now = Date.now()): string {
  const date = new Date(at);
  const isToday = date.toDateString() === new Date(now).toDateString();
  return isToday ? time.format(date) : `${day.format(date)}, ${time.format(date)}`;
}
