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

const commands: Readonly<Record<string, (args: readonly string[]) => Promise<number>>> = {
  serve: () => serve(configuration(), version()),
  pull: (args) => pull([...args], resolveOptions(configuration())),
  models: (args) => models([...args], resolveOptions(configuration())),
  convert: (args) => convert([...args], resolveOptions(configuration())),
  eval: (args) => evaluate(args, { apiKey: configuration().apiKey, environment: process.env }),
  perplexity: (args) => perplexity(args, configuration()),
  backup: (args) => backup(args, configuration()),
  restore: (args) => restore(args, configuration()),
};

function configuration(): Config {
  return loadConfig(readEnvironment(".env", process.env));
}

function version(): string {
  const file = new URL("../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}

async function main([name = "serve", ...args]: readonly string[]): Promise<number> {
  const command = commands[name];
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
