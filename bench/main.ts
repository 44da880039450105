/** The benchmark's command line (docs/benchmarking.md): `node bench/main.ts SCENARIO [flags]`. */
import { benchModel } from "./models/make-model.ts";
import { parseOptions, usage } from "./options.ts";
import { headerOf, writeReport } from "./report/files.ts";
import { toMarkdown } from "./report/markdown.ts";
import { BenchContext } from "./scenarios/bench-context.ts";
import { scenarios } from "./scenarios/scenarios.ts";

async function main(args: readonly string[]): Promise<number> {
  const options = parseOptions(args);
  const list = Object.entries(scenarios).map(([name, { summary }]) => `  ${name}: ${summary}`);
  if (options.isHelp) {
    console.log(`${usage}\n\nScenarios:\n${list.join("\n")}`);
    return 0;
  }
  const scenario = scenarios[options.scenario];
  if (scenario === undefined) {
    console.error(`There is no scenario ${options.scenario}. Scenarios:\n${list.join("\n")}`);
    return 2;
  }
  const interrupted = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.once(name, () => {
      interrupted.abort(new Error(`stopped by ${name}`));
      // Servers end with this process; a second signal need not wait for them.
      process.once(name, () => process.exit(130));
    });
  }
  const model = await benchModel(options.model ?? scenario.defaultModel);
  const context = new BenchContext(options, model, process.env["LLAMA_SERVER_BIN"], interrupted.signal);
  console.log(`${options.scenario}: ${scenario.summary}\nmodel: ${model.summary}`);
  if (context.sides.length === 0) throw new Error("--side peer needs LLAMA_SERVER_BIN");
  if (context.sides.length === 1) console.log("our server alone (LLAMA_SERVER_BIN names the peer)");
  const header = headerOf(options, model.summary, args);
  const report = await scenario.run(context);
  console.log(`\n${toMarkdown(header, report)}`);
  for (const path of writeReport(header, report, options.output)) console.log(`wrote ${path}`);
  return 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
process.exit();
