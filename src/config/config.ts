import { readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import { withoutPassword } from "./password.ts";
import type { Setting } from "./setting.ts";
import { sections } from "./settings.ts";

type Sections = typeof sections;
type Flatten<T> = { readonly [K in keyof T]: T[K] extends Setting<infer Value> ? Value : never };
type Union<T> = { [K in keyof T]: T[K] }[keyof T];
type Intersect<T> = (T extends unknown ? (value: T) => void : never) extends (value: infer U) => void
  ? U
  : never;

/** The validated settings of one server; nothing else reads the environment. */
export type Config = Readonly<Flatten<Intersect<Union<Sections>>>>;

/** What other servers have a setting for and this one would have to ignore. */
const refused: Readonly<Record<string, string>> = {
  MMPROJ: "images need llama.cpp's libmtmd, which the packages of llama.cpp do not carry",
};

/** All that is wrong with the environment, at once. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(`Invalid configuration:\n${problems.map((problem) => `  - ${problem}`).join("\n")}`);
    this.problems = problems;
  }
}

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the settings from `environment`.
 * @throws ConfigError naming every variable that can't be read
 */
export function loadConfig(environment: Environment): Config {
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  for (const section of Object.values(sections)) {
    for (const [name, setting] of Object.entries(section) as Array<[string, Setting<unknown>]>) {
      const text = environment[setting.variable]?.trim();
      if (text === undefined || text === "") values[name] = setting.fallback;
      else values[name] = parseOrReport(setting, text, problems);
    }
  }
  for (const [variable, reason] of Object.entries(refused)) {
    const text = environment[variable]?.trim();
    if (text !== undefined && text !== "") problems.push(`${variable} is not supported: ${reason}`);
  }
  if (values["modelsFile"] !== undefined && values["draftModel"] !== undefined)
    problems.push(
      "DRAFT_MODEL can't be heeded beside MODELS_FILE, where each model names its own as `draft`",
    );
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.freeze(values) as Config;
}

function parseOrReport(setting: Setting<unknown>, text: string, problems: string[]): unknown {
  try {
    return setting.parse(text);
  } catch (error) {
    const shown = setting.isSecret ? "" : ` (it is ${JSON.stringify(withoutPassword(text).slice(0, 100))})`;
    problems.push(`${setting.variable} ${(error as Error).message}${shown}`);
    return undefined;
  }
}

/** The process's environment over the one in `file`, which may be absent. */
export function readEnvironment(file: string, environment: Environment): Environment {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return environment;
    throw new ConfigError([`${file} can't be read: ${(error as Error).message}`]);
  }
  return { ...parseEnv(text), ...environment };
}
