/** The command line. Everything it needs of the environment is read here, once. */
import { readFileSync } from "node:fs";
import { backup, restore } from "./commands/backup.ts";
import { run as convert } from "./commands/convert.ts";
import { run as evaluate } from "./commands/eval.ts";
import { run as models } from "./commands/models.ts";
import { perplexity } from "./commands/perplexity.ts";
import { run as pull } from "./commands/pull.ts";
import { resolveOptions } from "./commands/resolve-options.ts";
import { serve } from "./commands/serve.ts";
import { type Config, ConfigError, loadConfig, readEnvironment } from "./config/config.ts";

const usage = `Usage: npm start, or node src/main.ts COMMAND

  serve     serves the API; takes no arguments: its settings are environment variables (docs/configuration.md),
            as in PORT=9000 MODEL_NAME=builtin npm start
  pull      fetches a model ahead of time
  models    lists the models in the cache, and removes them
  convert   makes a GGUF file of a Hugging Face checkpoint
  eval      evaluates a data set, from the command line
  backup    copies the embedded store to a file
  restore   brings such a copy back

COMMAND --help says more.`;

const commands: Readonly<Record<string, (args: readonly string[]) => Promise<number>>> = {
  serve: async (args) => (args.length > 0 ? help(args) : serve(configuration(), version())),
  pull: (args) => pull([...args], resolveOptions(configuration())),
  models: (args) => models([...args], resolveOptions(configuration())),
  convert: (args) => convert([...args], resolveOptions(configuration())),
  eval: (args) => evaluate(args, { apiKey: configuration().apiKey, environment: process.env }),
  perplexity: (args) => perplexity(args, configuration()),
  backup: (args) => backup(args, configuration()),
  restore: (args) => restore(args, configuration()),
};

const isHelp = (argument: string | undefined) => argument === "--help" || argument === "-h";

/** @returns the exit code: help that was asked for is not a failure */
function help([asked]: readonly string[]): number {
  console.error(usage);
  return isHelp(asked) ? 0 : 2;
}

function configuration(): Config {
  return loadConfig(readEnvironment(".env", process.env));
}

function version(): string {
  const file = new URL("../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}

async function main([name = "serve", ...args]: readonly string[]): Promise<number> {
  const command = commands[name];
  if (isHelp(name)) return help([name]);
  if (command === undefined) {
    console.error(`There is no command ${name}. Commands: ${Object.keys(commands).join(", ")}.`);
    return 2;
  }
  try {
    return await command(args);
  } catch (error) {
    // A person reads this: what went wrong, without a stack unless it is a defect.
    console.error(error instanceof Error ? error.message : error);
    return error instanceof ConfigError ? 2 : 1;
  }
}

process.exitCode = await main(process.argv.slice(2));
// Nothing may keep the process alive after its command is done.
process.exit();
