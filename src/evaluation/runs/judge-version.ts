import { createHash } from "node:crypto";
import { criteria, judgeGrammar, judgePrompt } from "../judge-prompt.ts";
import type { PromptVersion } from "./run.ts";

/** Changes with every change of what the judge is asked or how it may answer; the version is for people. */
export const judgePromptVersion: PromptVersion = {
  version: "judge-1",
  sha256: createHash("sha256")
    .update(
      JSON.stringify([
        criteria.map((criterion) => judgePrompt("{prompt}", "{response}", criterion)),
        judgeGrammar,
      ]),
    )
    .digest("hex"),
};
