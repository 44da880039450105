/** The sandbox's thread: runs one job at a time. It is ended from outside when a job takes too long. */
import { parentPort } from "node:worker_threads";
import { Ajv } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { giveWay } from "../../../platform/niceness.ts";
import { scoreChrf } from "../metrics/chrf.ts";
import type { MetricResult } from "../metrics/metric.ts";
import { scoreRougeL } from "../metrics/rouge-l.ts";
import type { SandboxJob, SandboxReply, SandboxResults } from "./jobs.ts";

const MAX_ISSUES = 5;

giveWay({ isLong: true });
parentPort?.on("message", async (job: SandboxJob) => parentPort?.postMessage(await reply(job)));
parentPort?.postMessage("ready");

async function reply(job: SandboxJob): Promise<SandboxReply> {
  try {
    return { type: "result", result: await resultOf(job) };
  } catch (error) {
    // The pattern does not parse, or the schema does not compile: its author wants to read why.
    return { type: "unusable", message: error instanceof Error ? error.message : String(error) };
  }
}

function resultOf(job: SandboxJob): SandboxResults[SandboxJob["type"]] | Promise<MetricResult> {
  switch (job.type) {
    case "regex":
      return match(job);
    case "json_schema":
      return validate(job);
    case "text_metric":
      return (job.metric === "chrf" ? scoreChrf : scoreRougeL)(job.response, job.reference, job.options);
  }
}

function match({ pattern, flags, text }: SandboxJob & { type: "regex" }): SandboxResults["regex"] {
  const found = new RegExp(pattern, flags).exec(text);
  return { matched: found !== null, groups: found?.slice(1).map((group) => group ?? null) ?? [] };
}

function validate({ schema, value }: SandboxJob & { type: "json_schema" }): SandboxResults["json_schema"] {
  const isDraft7 = "$schema" in schema && String(schema.$schema).includes("draft-07");
  const ajv = new (isDraft7 ? Ajv : Ajv2020)({ strict: false, allErrors: true, logger: false });
  addFormats.default(ajv);
  const check = ajv.compile(schema);
  check(value);
  const issues = check.errors ?? [];
  return {
    errors: issues
      .slice(0, MAX_ISSUES)
      .map(({ instancePath, message = "is invalid" }) => ({ path: instancePath || "/", message })),
  };
}
