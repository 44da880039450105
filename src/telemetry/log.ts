import { type Logger, pino } from "pino";
import pretty from "pino-pretty";

export interface LogOptions {
  readonly level: string;
  readonly format: "auto" | "json" | "pretty";
}

/** One JSON line an event; coloured and aligned for people on a terminal. Keys and prompts are never given to it. */
export function createLog({ level, format }: LogOptions): Logger {
  const isPretty = format === "pretty" || (format === "auto" && process.stdout.isTTY === true);
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  if (!isPretty) return pino({ ...options, formatters: { level: (label) => ({ level: label }) } });
  return pino(
    options,
    pretty({
      colorize: process.stdout.isTTY === true,
      translateTime: "HH:MM:ss.l",
      singleLine: true,
      sync: true,
    }),
  );
}
