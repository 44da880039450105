import { parseArgs } from "node:util";
import { criteria as allCriteria, type Criterion } from "../../features/evaluation/judge-prompt.ts";
import { metrics as allMetrics, type MetricName } from "../../features/evaluation/metrics/registry.ts";
import { metricNames, type Task, tasks } from "../../features/evaluation/runs/request.ts";

export const usage = `npm run eval -- DATASET [options]

  DATASET                an evaluation set: its id (ds_…), or a file to upload (.jsonl, .json, .csv)

  --url URL              a running server; without it one is started for the run
  --model NAME           the model to evaluate: what the server at --url must serve, or the started one serves
  --task NAME            generate (the default), multiple_choice or likelihood, which generate nothing, or agent
  --agent ID             of --task agent: the agent that does each task, from /v1/agents of the server at --url
  --criteria A,B         what the judge scores by: ${allCriteria.join(", ")} (overall, when nothing else is asked for)
  --metrics A,B          reference metrics: ${Object.keys(allMetrics).join(", ")}
  --threshold NAME=X     least value of a criterion or metric for a record to pass; several may be given
  --instructions FILE    a system message before every record's prompt
  --max-new-tokens N     maximum tokens per answer (160)
  --concurrency N        records side by side (4)
  --fail-under X         least pass rate (0 to 1), or NAME=X: least mean of a criterion or metric, largest one of
                         perplexity and bits_per_byte; several may be given
  --junit FILE           writes a JUnit report, one test a record
  --export FILE          writes all results, as .jsonl or .csv

Exit codes: 0 done and not under any --fail-under, 1 it could not be done, 2 wrong usage, 3 under a --fail-under,
130 interrupted (143 by SIGTERM).
The key is API_KEY, as for the server.`;

export interface EvalOptions {
  readonly dataset: string;
  readonly url: string | undefined;
  readonly model: string | undefined;
  readonly task: Task;
  /** The agent of task `agent`, and undefined for others. */
  readonly agent: string | undefined;
  readonly criteria: readonly Criterion[];
  readonly metrics: readonly MetricName[];
  readonly thresholds: Readonly<Record<string, number>>;
  readonly instructionsFile: string | undefined;
  readonly maxNewTokens: number | undefined;
  readonly concurrency: number | undefined;
  readonly failUnder: readonly FailUnder[];
  readonly junitFile: string | undefined;
  readonly exportFile: string | undefined;
}

/** Least mean of what `name` measures, largest where less is better; the pass rate, without a name. */
export interface FailUnder {
  readonly name: string | undefined;
  readonly least: number;
}

export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** @throws UsageError that says which argument is wrong */
export function parseOptions(args: readonly string[]): EvalOptions {
  const { values, positionals } = parse(args);
  const [dataset, ...rest] = positionals;
  if (dataset === undefined || rest.length > 0) throw new UsageError(`Name one dataset.\n\n${usage}`);
  const metrics = list("--metrics", values.metrics, Object.keys(allMetrics) as MetricName[]);
  const criteria = list("--criteria", values.criteria, allCriteria);
  const [task = "generate"] = list("--task", values.task, tasks);
  if ((task === "agent") !== (values.agent !== undefined && values.url !== undefined))
    throw new UsageError(
      "--task agent and --agent belong together, with the --url of the server that has the agent.",
    );
  const exportFile = values.export;
  if (exportFile !== undefined && !/\.(jsonl|csv)$/.test(exportFile))
    throw new UsageError("--export takes a file that ends in .jsonl or .csv.");
  const judged =
    task === "generate" && criteria.length === 0 && metrics.length === 0 ? (["overall"] as const) : criteria;
  const asked = Object.fromEntries(metrics.map((name) => [name, {}]));
  const measured = [...judged, ...metricNames({ task, metrics: asked })];
  return {
    dataset,
    task,
    agent: values.agent,
    url: values.url?.replace(/\/+$/, ""),
    model: values.model,
    criteria: judged,
    metrics,
    thresholds: Object.fromEntries(
      (values.threshold ?? []).map((text) => namedNumber("--threshold", text, measured)),
    ),
    instructionsFile: values.instructions,
    maxNewTokens: wholeNumber("--max-new-tokens", values["max-new-tokens"]),
    concurrency: wholeNumber("--concurrency", values.concurrency),
    failUnder: (values["fail-under"] ?? []).map((text) => failUnder(text, measured)),
    junitFile: values.junit,
    exportFile,
  };
}

function parse(args: readonly string[]) {
  const text = { type: "string" } as const;
  const several = { type: "string", multiple: true } as const;
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        url: text,
        model: text,
        task: text,
        agent: text,
        criteria: text,
        metrics: text,
        threshold: several,
        instructions: text,
        "max-new-tokens": text,
        concurrency: text,
        "fail-under": several,
        junit: text,
        export: text,
      },
    });
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n\n${usage}`, { cause: error });
  }
}

function list<T extends string>(option: string, text: string | undefined, known: readonly T[]): T[] {
  const names = text?.split(",").map((name) => name.trim()) ?? [];
  return names.map((name) => {
    const found = known.find((one) => one === name);
    if (found === undefined) throw new UsageError(`${option}: ${name} is none of ${known.join(", ")}.`);
    return found;
  });
}

function namedNumber(option: string, text: string, measured: readonly string[]): readonly [string, number] {
  const [name = "", value] = text.split("=");
  if (value === undefined) throw new UsageError(`${option} takes NAME=X, not ${text}.`);
  if (!measured.includes(name))
    throw new UsageError(`${option}: ${name} is not among what is measured: ${measured.join(", ")}.`);
  return [name, number(option, value)];
}

function failUnder(text: string, measured: readonly string[]): FailUnder {
  if (text.includes("=")) {
    const [name, least] = namedNumber("--fail-under", text, measured);
    return { name, least };
  }
  const least = number("--fail-under", text);
  if (least < 0 || least > 1) throw new UsageError("--fail-under takes a rate from 0 to 1, or NAME=X.");
  return { name: undefined, least };
}

function number(option: string, text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value))
    throw new UsageError(`${option}: ${text} is not a number.`);
  return value;
}

function wholeNumber(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new UsageError(`${option} takes a whole number from 1.`);
  return Number(text);
}
