/** Entry of the thread that works out constraints: one request, one answer, in order. */
import { parentPort } from "node:worker_threads";
import { InvalidRequestError } from "../errors.ts";
import type { Form } from "../inference/constraints/expression.ts";
import { type AnswerRules, answerConstraint } from "./answer-constraint.ts";

export type ConstraintReply =
  /** Once, when the thread is there. */
  | { readonly type: "ready" }
  | { readonly type: "form"; readonly form: Form | undefined }
  | { readonly type: "refused"; readonly message: string; readonly param: string | undefined };

function reply(rules: AnswerRules): ConstraintReply {
  try {
    return { type: "form", form: answerConstraint(rules) };
  } catch (error) {
    if (!(error instanceof InvalidRequestError)) throw error;
    return { type: "refused", message: error.message, param: error.param };
  }
}

parentPort?.postMessage({ type: "ready" } satisfies ConstraintReply);
parentPort?.on("message", (rules: AnswerRules) => parentPort?.postMessage(reply(rules)));
