/** Entry of the thread that works out constraints: one request, one answer, in order. */
import { parentPort, workerData } from "node:worker_threads";
import { InvalidRequestError } from "../errors.ts";
import type { Form } from "../inference/constraints/expression.ts";
import { giveWay } from "../platform/niceness.ts";
import { type AnswerRules, answerConstraint } from "./answer-constraint.ts";
import { GivenUpError, waitWhile } from "./structured/patience.ts";

export type ConstraintReply =
  /** Once, when the thread is there. */
  | { readonly type: "ready" }
  | { readonly type: "form"; readonly form: Form | undefined }
  | { readonly type: "refused"; readonly message: string; readonly param: string | undefined }
  /** It was told to stop. */
  | { readonly type: "stopped" };

/** Shared with those who ask: 1 while the present request is given up. */
const isStopped = workerData as Int32Array<SharedArrayBuffer>;
giveWay();
waitWhile(() => Atomics.load(isStopped, 0) === 0);

function reply(rules: AnswerRules): ConstraintReply {
  try {
    return { type: "form", form: answerConstraint(rules) };
  } catch (error) {
    if (error instanceof GivenUpError) return { type: "stopped" };
    if (!(error instanceof InvalidRequestError)) throw error;
    return { type: "refused", message: error.message, param: error.param };
  }
}

parentPort?.on("message", (rules: AnswerRules) => parentPort?.postMessage(reply(rules)));
parentPort?.postMessage({ type: "ready" } satisfies ConstraintReply);
