import { createWriteStream, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import type { Environment } from "../config/config.ts";
import type { BatchEvalBody } from "../features/evaluation/runs/schema.ts";
import { EvalClient, type RunResultView } from "./eval/client.ts";
import { Interruption } from "./eval/interruption.ts";
import { junitReport } from "./eval/junit.ts";
import { type EvalOptions, parseOptions, UsageError, usage } from "./eval/options.ts";
import { OwnServer } from "./eval/own-server.ts";
import { runDisplay } from "./eval/progress.ts";
import { resultTable } from "./eval/table.ts";
import { shortfalls } from "./eval/verdict.ts";

export interface EvalSettings {
  readonly apiKey: string;
  /** What a server that is started for the run is started with. */
  readonly environment: Environment;
}

/**
 * Evaluates a dataset and prints what came of it. @returns the exit code: 0 good, 1 could not be done, 2 called wrongly,
 * 3 not good enough; 128 and the signal's number when it was interrupted
 */
export async function evaluate(args: readonly string[], settings: EvalSettings): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    console.log(usage);
    return 0;
  }
  let options: EvalOptions;
  try {
    options = parseOptions(args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(error.message);
    return 2;
  }
  const interruption = new Interruption();
  try {
    const instructions = readFiles(options);
    return await evaluateSomewhere({ ...options, instructions }, settings, interruption.signal);
  } catch (error) {
    if (!interruption.signal.aborted) throw error;
    console.error("Interrupted.");
    return interruption.exitCode;
  }
}

/**
 * Looks at the files that are named before anything is begun that would be lost for one that isn't there.
 * @returns the instructions. @throws Error that names the file
 */
function readFiles({ dataset, instructionsFile, junitFile, exportFile }: EvalOptions): string | undefined {
  const isFile = statSync(dataset, { throwIfNoEntry: false })?.isFile();
  if (isFile === false) throw new Error(`${dataset} is not a file.`);
  if (isFile === undefined && !dataset.startsWith("ds_"))
    throw new Error(`There is no file ${dataset}, and a dataset's id begins with ds_.`);
  for (const file of [junitFile, exportFile]) {
    if (file !== undefined && !existsSync(dirname(file)))
      throw new Error(`${file} can't be written: there is no folder ${dirname(file)}.`);
  }
  return instructionsFile === undefined ? undefined : readFileSync(instructionsFile, "utf8");
}

type PreparedOptions = EvalOptions & { readonly instructions: string | undefined };

/** On the server at `--url`, or on one that is started for it. */
async function evaluateSomewhere(
  options: PreparedOptions,
  { apiKey, environment }: EvalSettings,
  signal: AbortSignal,
): Promise<number> {
  if (options.url !== undefined)
    return evaluateThrough(options, new EvalClient(options.url, apiKey, signal), signal);
  console.error("Starting a server …");
  const server = await OwnServer.start(environment, options.model, signal);
  try {
    return await evaluateThrough(
      { ...options, model: undefined },
      new EvalClient(server.url, apiKey, signal),
      signal,
    );
  } finally {
    await server.stop();
  }
}

async function evaluateThrough(
  options: PreparedOptions,
  client: EvalClient,
  signal: AbortSignal,
): Promise<number> {
  const datasetId = await datasetOf(options.dataset, client);
  const runId = await client.start(requestOf(options, datasetId));
  console.error(`run ${runId}`);
  const display = runDisplay(process.stderr);
  try {
    for await (const progress of client.follow(runId)) {
      display.show(progress);
      // A server that can't continue pauses the run and says why; this command does not resume it.
      if (progress.status === "paused")
        throw new Error(`The run is paused: ${progress.status_reason ?? "by a user"}`);
    }
  } catch (error) {
    display.stop();
    if (!signal.aborted) throw error;
    await client.pause(runId);
    console.error(`The run is paused: POST /v1/batch-evals/${runId}/resume resumes it.`);
    throw error;
  }
  display.stop();
  const result = await client.result(runId);
  console.log(resultTable(result));
  await writeReports(options, client, result);
  if (result.status === "failed" || result.status === "cancelled") return 1;
  const missed = shortfalls(result, options.failUnder);
  for (const line of missed) console.error(line);
  return missed.length > 0 ? 3 : 0;
}

/** The dataset named on the command line, uploaded when it is a file. */
async function datasetOf(dataset: string, client: EvalClient): Promise<string> {
  if (!existsSync(dataset)) return dataset;
  const { dataset_id, rejected_count } = await client.upload(dataset);
  await client.untilDatasetReady(dataset_id);
  const refused = rejected_count > 0 ? `; ${rejected_count} of its records can't be used` : "";
  console.error(`uploaded ${dataset} as ${dataset_id}${refused}`);
  return dataset_id;
}

function requestOf(options: PreparedOptions, datasetId: string): BatchEvalBody {
  const { task, agent, criteria, metrics, thresholds, model, concurrency, instructions, maxNewTokens } =
    options;
  return {
    dataset_id: datasetId,
    task,
    ...(agent !== undefined && { agent_id: agent }),
    ...(criteria.length > 0 && { criteria: [...criteria] }),
    ...(metrics.length > 0 && { metrics: Object.fromEntries(metrics.map((name) => [name, {}])) }),
    ...(Object.keys(thresholds).length > 0 && { thresholds }),
    ...(model !== undefined && { model }),
    ...(concurrency !== undefined && { concurrency }),
    ...(instructions !== undefined && { instructions }),
    ...(maxNewTokens !== undefined && { generation: { max_new_tokens: maxNewTokens } }),
  };
}

async function writeReports(
  { junitFile, exportFile }: EvalOptions,
  client: EvalClient,
  run: RunResultView,
): Promise<void> {
  if (junitFile !== undefined) writeFileSync(junitFile, junitReport(run, await client.records(run.run_id)));
  if (exportFile === undefined) return;
  const { body } = await client.export(run.run_id, exportFile.endsWith(".csv") ? "csv" : "jsonl");
  if (body !== null) await pipeline(Readable.fromWeb(body as ReadableStream), createWriteStream(exportFile));
}
