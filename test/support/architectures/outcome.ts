/**
 * A program: what comes of one architecture, a line of JSON for each layout of the KV cache. It has a process of its
 * own, which llama.cpp may end.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LlamaError } from "../../../src/inference/llama/errors.ts";
import { runSituations } from "./matrix.ts";
import { withExperts } from "./names.ts";
import { type KvLayout, layouts, type Outcome } from "./outcomes.ts";
import { makeTinyModel, UntakenModelError } from "./tiny-model.ts";

const [, , architecture = "", ...wanted] = process.argv;
const directory = await mkdtemp(join(tmpdir(), "llm-server-architecture-"));
try {
  const made = await make();
  for (const layout of layouts.filter((one) => wanted.length === 0 || wanted.includes(one))) {
    const outcome = typeof made === "string" ? await tried(made, layout) : made;
    process.stdout.write(`${JSON.stringify(outcome)}\n`);
  }
} finally {
  await rm(directory, { recursive: true, force: true });
}

async function tried(path: string, kvLayout: KvLayout): Promise<Outcome> {
  try {
    const situations = await runSituations(path, { sequences: 5, kvLayout });
    const differences = situations.flatMap(({ name, difference }) =>
      difference === undefined ? [] : [`${name}: ${difference}`],
    );
    return differences.length === 0 ? { type: "same" } : { type: "differs", differences };
  } catch (error) {
    if (!(error instanceof LlamaError)) throw error;
    return { type: "refused", reason: error.message.replaceAll(path, `${architecture}.gguf`) };
  }
}

/** With experts where llama.cpp takes it only so, or fails without. */
async function make(): Promise<string | Outcome> {
  const hasExperts = withExperts.includes(architecture);
  let problem = "";
  for (const experts of [hasExperts, !hasExperts]) {
    try {
      return await makeTinyModel({ directory, architecture, experts });
    } catch (error) {
      if (!(error instanceof UntakenModelError)) throw error;
      problem = error.message.replaceAll(directory, "");
    }
  }
  if (/unsupported model architecture/.test(problem))
    return { type: "refused", reason: `llama.cpp has the name ${architecture} and no such model` };
  if (/CLIP cannot be used/.test(problem))
    return { type: "refused", reason: "a vision projector, and images are not read here" };
  return { type: "not made", reason: problem };
}
