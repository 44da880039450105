const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/**
 * Milliseconds of `"10m"`, `"30s"`, `"1.5h"`; a number alone is seconds, as in Ollama's `keep_alive`, and any
 * negative one is for ever. Undefined for anything else.
 */
export function parseDuration(value: string | number): number | undefined {
  if (typeof value === "number") return value < 0 ? Infinity : value * 1_000;
  const [, amount, unit = "s"] = /^(-?\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(value) ?? [];
  const ms = units[unit];
  if (amount === undefined || ms === undefined) return undefined;
  return Number(amount) < 0 ? Infinity : Number(amount) * ms;
}
