const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/**
 * Milliseconds of `"10m"`, `"1.5h"`, `"1h30m"`; a number alone is seconds, as in Ollama's `keep_alive`, and any
 * negative one is for ever. Undefined for anything else.
 */
export function parseDuration(value: string | number): number | undefined {
  if (typeof value === "number") return value < 0 ? Infinity : value * 1_000;
  const parts = [...value.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  if (/^-?\d+(\.\d+)?$/.test(value)) return parseDuration(Number(value));
  if (parts.length === 0 || value.replace(/^-/, "") !== parts.map(([part]) => part).join(""))
    return undefined;
  if (value.startsWith("-")) return Infinity;
  return parts.reduce((sum, [, amount, unit = ""]) => sum + Number(amount) * (units[unit] ?? 0), 0);
}
