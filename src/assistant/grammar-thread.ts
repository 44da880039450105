/** Entry of the thread that works out grammars: one request, one answer, in order. */
import { parentPort } from "node:worker_threads";
import { InvalidRequestError } from "../errors.ts";
import { type AnswerRules, answerGrammar } from "./grammar.ts";

export type GrammarReply =
  /** Once, when the thread is there. */
  | { readonly type: "ready" }
  | { readonly type: "grammar"; readonly grammar: string | undefined }
  | { readonly type: "refused"; readonly message: string; readonly param: string | undefined };

function reply(rules: AnswerRules): GrammarReply {
  try {
    return { type: "grammar", grammar: answerGrammar(rules) };
  } catch (error) {
    if (!(error instanceof InvalidRequestError)) throw error;
    return { type: "refused", message: error.message, param: error.param };
  }
}

parentPort?.postMessage({ type: "ready" } satisfies GrammarReply);
parentPort?.on("message", (rules: AnswerRules) => parentPort?.postMessage(reply(rules)));
