import type { GenerationProgress, GenerationTimings, ScoredToken, Usage } from "../inference/engine.ts";
import type { Sampling } from "../inference/sampling.ts";
import type { DeclaredTool } from "./formats/call-expressions.ts";
import type { ChatMessage } from "./template/message.ts";
import type { ReasoningWish } from "./template/reasoning-wish.ts";

/** What an answer has to look like. */
export type AnswerForm =
  | { readonly type: "text" }
  /** Any JSON object. */
  | { readonly type: "json" }
  /** JSON by a schema. Errors name what a client sent by its `path`. */
  | { readonly type: "schema"; readonly schema: unknown; readonly path: string }
  /** One of a list of texts. */
  | { readonly type: "choice"; readonly texts: readonly string[]; readonly path: string }
  /** A text that a regular expression matches as a whole. */
  | { readonly type: "pattern"; readonly pattern: string; readonly path: string }
  /** GBNF of the client's own. */
  | { readonly type: "grammar"; readonly grammar: string; readonly path: string };

export type ToolChoice =
  | { readonly type: "none" }
  | { readonly type: "auto" }
  | { readonly type: "required" }
  | { readonly type: "tool"; readonly name: string };

/** One answer of the assistant to be made, whichever API asked for it. */
export interface Turn {
  readonly messages: readonly ChatMessage[];
  readonly tools: readonly DeclaredTool[];
  readonly toolChoice: ToolChoice;
  readonly parallelToolCalls: boolean;
  readonly form: AnswerForm;
  readonly sampling: Omit<Sampling, "constraint" | "seed"> & { readonly seed?: number };
  /** All that fit the context window when left out. */
  readonly maxTokens?: number;
  readonly stop: readonly string[];
  /** How the answer begins, in the client's words; the model continues from there. */
  readonly begun?: string;
  /** Score every token, with this many others. */
  readonly logprobs?: number;
  readonly reasoning?: ReasoningWish;
  /** What else the client passes to the template: `chat_template_kwargs`. */
  readonly templateVariables?: Readonly<Record<string, unknown>>;
  /** The client fixed the outcome, and takes an earlier answer for this one. */
  readonly reusable?: boolean;
  /** Compute the answer so that it can be had again, bit by bit. */
  readonly reproducible?: boolean;
}

export type TurnFinish = "stop" | "length" | "tool_calls";

/** An answer as it is made: its blocks one after another, each numbered by its place in the answer. */
export type TurnEvent =
  /** Once and first, when the prompt begins to be computed. */
  | { readonly type: "started"; readonly promptTokens: number; readonly cachedPromptTokens: number }
  /** Before the first block, where the context asks for it. */
  | { readonly type: "progress"; readonly progress: GenerationProgress }
  | { readonly type: "block_start"; readonly block: number; readonly kind: "text" | "reasoning" }
  | {
      readonly type: "block_start";
      readonly block: number;
      readonly kind: "call";
      readonly id: string;
      readonly name: string;
    }
  /** More of the block that is open; of a call, more of the JSON text of its arguments. */
  | {
      readonly type: "delta";
      readonly block: number;
      readonly text: string;
      readonly tokens: readonly ScoredToken[];
    }
  /** `isCut`: the block was ended by a limit or a stop string before the model ended it. */
  | { readonly type: "block_end"; readonly block: number; readonly isCut?: true }
  | TurnEnd;

export interface TurnEnd {
  readonly type: "done";
  readonly finishReason: TurnFinish;
  readonly stopText: string | undefined;
  /** The context window ended the answer before the limit that was asked for. */
  readonly windowFull?: true;
  /** An earlier answer to the same request. */
  readonly cached?: true;
  readonly usage: Usage;
  readonly timings: GenerationTimings;
}
