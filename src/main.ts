/** The command line. Everything it needs of the environment is read here, once. */
import { readFileSync } from "node:fs";
import { enableCompileCache } from "node:module";
import { fileURLToPath } from "node:url";
import type { Config } from "./config/config.ts";

interface Command {
  /** What it does, for the list of commands. */
  readonly summary: string;
  /** @returns the exit code */
  run(args: readonly string[]): Promise<number>;
}

/** Each loads its own code only: the server's is thousands of modules, which help and a refusal can do without. */
const commands: Readonly<Record<string, Command>> = {
  serve: {
    summary: "serves the API; its settings are environment variables: PORT=9000 MODEL_NAME=builtin npm start",
    run: async (args) => {
      if (args.length > 0) return refuseArguments(args);
      const { config, settings, warnings } = await readConfiguration();
      return (await import("./commands/serve.ts")).serve({ config, settings, version: version() }, warnings);
    },
  },
  pull: {
    summary: "fetches a model ahead of time",
    run: async (args) => (await import("./commands/pull.ts")).pull([...args], await settingsOfModels()),
  },
  models: {
    summary: "lists the models in the cache, and removes them",
    run: async (args) => (await import("./commands/models.ts")).models([...args], await settingsOfModels()),
  },
  convert: {
    summary: "makes a GGUF file of a Hugging Face checkpoint",
    run: async (args) => (await import("./commands/convert.ts")).convert([...args], await settingsOfModels()),
  },
  eval: {
    summary: "evaluates a dataset from the command line",
    run: async (args) => {
      const { apiKey } = await configuration();
      return (await import("./commands/eval.ts")).evaluate(args, { apiKey, environment: process.env });
    },
  },
  capacity: {
    summary: "tells how many users a running server fits",
    run: async (args) =>
      (await import("./commands/capacity.ts")).capacity(args, (await configuration()).apiKey),
  },
  replay: {
    summary: "computes an answer of a running server again, and compares",
    run: async (args) => (await import("./commands/replay.ts")).replay(args, (await configuration()).apiKey),
  },
  mcp: {
    summary: "speaks MCP on standard input and output, for a server that runs",
    run: async (args) => (await import("./commands/mcp.ts")).mcp(args, await configuration()),
  },
  perplexity: {
    summary: "measures a model's perplexity on a text",
    run: async (args) => (await import("./commands/perplexity.ts")).perplexity(args, await configuration()),
  },
  backup: {
    summary: "copies the embedded store to a file",
    run: async (args) => (await import("./commands/backup.ts")).backup(args, await configuration()),
  },
  restore: {
    summary: "brings such a copy back",
    run: async (args) => (await import("./commands/backup.ts")).restore(args, await configuration()),
  },
};

function usage(): string {
  const list = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(12)}${summary}`);
  return `Usage: npm start                       serves the API
       npm run COMMAND -- ARGUMENTS    runs another command

${list.join("\n")}

npm run COMMAND -- --help says more. docs/configuration.md lists the settings.`;
}

const isHelp = (argument: string | undefined) => argument === "--help" || argument === "-h";

/** `serve` takes no arguments: says what to write instead of them. @returns the exit code */
function refuseArguments([first = ""]: readonly string[]): number {
  if (isHelp(first)) {
    console.log(usage());
    return 0;
  }
  const variable = /^--([a-z][a-z0-9-]*)/.exec(first)?.[1]?.toUpperCase().replaceAll("-", "_");
  const example = variable === undefined ? "PORT=9000" : `${variable}=…`;
  console.error(
    `npm start takes no arguments, and got ${first}. Settings are environment variables, as in ${example} npm start; docs/configuration.md lists them.`,
  );
  return 2;
}

async function readConfiguration() {
  const { loadConfig, readEnvironment } = await import("./config/config.ts");
  const { describeSettings } = await import("./config/described.ts");
  const { misspeltSettings } = await import("./config/misspelt.ts");
  const environment = readEnvironment(".env", process.env);
  return {
    config: loadConfig(environment),
    settings: describeSettings(environment, process.env),
    warnings: misspeltSettings(environment),
  };
}

async function configuration(): Promise<Config> {
  const { config, warnings } = await readConfiguration();
  for (const warning of warnings) console.error(warning);
  return config;
}

async function settingsOfModels() {
  const { resolveOptions } = await import("./commands/resolve-options.ts");
  return resolveOptions(await configuration());
}

function version(): string {
  const file = new URL("../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}

/** Keeps compiled code for later starts where the installation can be written to; child processes and threads use it too. */
function keepCompiledCode(): void {
  const { directory } = enableCompileCache(
    fileURLToPath(new URL("../node_modules/.cache/compile", import.meta.url)),
  );
  if (directory !== undefined) process.env["NODE_COMPILE_CACHE"] = directory;
}

async function main([name = "serve", ...args]: readonly string[]): Promise<number> {
  if (isHelp(name)) {
    console.log(usage());
    return 0;
  }
  if (name === "--version" || name === "-v") {
    console.log(version());
    return 0;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    console.error(`There is no command ${name}. Commands: ${Object.keys(commands).join(", ")}.`);
    return 2;
  }
  try {
    return await command.run(args);
  } catch (error) {
    // A person reads this: what went wrong, without a stack unless it is a defect.
    console.error(error instanceof Error ? error.message : error);
    return error instanceof Error && error.name === "ConfigError" ? 2 : 1;
  }
}

keepCompiledCode();
process.exitCode = await main(process.argv.slice(2));
// Nothing may keep the process alive after its command is done.
process.exit();
