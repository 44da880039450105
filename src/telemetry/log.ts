import { type Logger, pino } from "pino";
import pretty from "pino-pretty";

export interface LogOptions {
  readonly level: string;
  readonly format: "auto" | "json" | "pretty";
}

/** Control characters that JSON leaves as they are and terminals obey; a client may have put them into a model's name. */
const CONTROLS = /[\u007f-\u009f]/g;

/** In a line of JSON, the characters of their escapes, which stay escapes when a person's format is made of it. */
export function withoutControls(line: string): string {
  return line.replace(CONTROLS, (character) => `\\\\u00${character.charCodeAt(0).toString(16)}`);
}

/** One JSON line an event; coloured and aligned for people on a terminal. Keys and prompts are never given to it. */
export function createLog({ level, format }: LogOptions): Logger {
  const isPretty = format === "pretty" || (format === "auto" && process.stdout.isTTY === true);
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    hooks: { streamWrite: withoutControls },
  };
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
