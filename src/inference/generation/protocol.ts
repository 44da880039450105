/** The protocol between the server and an engine process: plain data, sent by Node's IPC with advanced serialization. */
import type { CacheView } from "../cache-report.ts";
import type { GenerationRequest, ModelDescription, Prompt } from "../engine.ts";
import type { FlashAttentionSetting } from "../flash-attention.ts";
import type { KvLayoutChoice, KvLayoutSetting } from "../kv-layout.ts";
import type { Lane } from "../lane.ts";
import type { AdapterOptions } from "../llama/adapter.ts";
import type { KvCacheType } from "../llama/context-options.ts";
import type { WireError } from "../process/process-news.ts";
import type { SequenceOutput, SequenceStart, StepReport } from "../scheduler/report.ts";

/** What an engine process needs to know; all of it from the configuration. */
export interface EngineOptions {
  readonly libraryDirectory: string | undefined;
  readonly modelPath: string;
  /** A LoRA adapter that changes what the model computes. */
  readonly adapter?: AdapterOptions | undefined;
  /** A smaller model of the same vocabulary, which guesses what this one will say. */
  readonly draftPath?: string | undefined;
  /** Tokens per sequence; 0 means as many as the model was trained for, within the memory budget. */
  readonly contextSize: number;
  /** 0 means as many as the memory budget holds. */
  readonly maxSequences: number;
  /** Bytes; 0 means a share of the memory that is free. */
  readonly kvCacheMemory: number;
  readonly kvCacheType: KvCacheType;
  readonly kvLayout: KvLayoutSetting;
  readonly flashAttention: FlashAttentionSetting;
  /** 0 means one per core. */
  readonly threads: number;
  /** Tokens per decode call. */
  readonly batchSize: number;
  readonly stepTargetMs: number;
  /** Longest time that text is held back. */
  readonly streamIntervalMs: number;
  readonly gpuLayers: number;
  readonly speculation: boolean;
  /** Bytes of host memory for sequences that give way; undefined takes a share of what is free. */
  readonly kvHostMemory: number | undefined;
  /** Bytes of disk for those that memory can't keep, and for later starts; undefined takes a share of what is free. */
  readonly kvDisk: number | undefined;
  readonly kvDirectory: string;
  /** Where the keys and values of pinned prefixes are kept between starts. */
  readonly prefixDirectory: string;
}

/** What the engine can say about its model; name and source are the server's to add. */
export type LoadedModel = Omit<ModelDescription, "name" | "source">;

export type ToEngine =
  | { readonly type: "load"; readonly options: EngineOptions }
  | {
      readonly type: "generate";
      readonly id: number;
      readonly request: GenerationRequest;
      readonly lane: Lane;
      readonly cacheScope: string;
      /** On `monotonicMs`, which both processes share. */
      readonly arrivedAt: number;
    }
  /** Keep these prefixes as long as the process lives. */
  | { readonly type: "pin"; readonly prefixes: readonly Prompt[] }
  /** Run these while nothing else is asked, for later requests to be fast. */
  | { readonly type: "rehearse"; readonly requests: readonly GenerationRequest[] }
  | { readonly type: "cancel"; readonly id: number }
  | { readonly type: "tokenize"; readonly id: number; readonly prompt: Prompt }
  | { readonly type: "detokenize"; readonly id: number; readonly tokens: readonly number[] }
  | { readonly type: "cache"; readonly id: number }
  /** Give back what can be made anew, or make it. */
  | { readonly type: "sleep"; readonly id: number }
  | { readonly type: "wake"; readonly id: number }
  | { readonly type: "ping" };

/** Where the engine is after a step. */
export interface EngineCondition {
  readonly running: number;
  readonly kvCacheUsage: number;
  readonly prefixCacheHitTokens: number;
  /** What the watchdog should allow the next step. */
  readonly expectedStepMs: number;
  /** Compute threads of the step. */
  readonly threads: number;
}

/** The scheduler's report as it is, but for errors, which cross as data. */
export interface StepNews extends Omit<StepReport, "outputs">, EngineCondition {
  readonly type: "step";
  readonly outputs: readonly WireOutput[];
}

export type WireOutput = Omit<SequenceOutput, "error"> & { readonly error?: WireError };

/** What an engine process says of its work. */
export type EngineNews =
  | StepNews
  /** Where a request is, each said before the work begins: should that work end the process, the server knows whose it was. */
  | { readonly type: "preparing" | "queued"; readonly id: number }
  | ({ readonly type: "started" } & SequenceStart)
  | { readonly type: "layout"; readonly choice: KvLayoutChoice }
  /** It has fallen asleep, or woken; with the id of what asked for it. */
  | { readonly type: "rest"; readonly id?: number; readonly isAsleep: boolean }
  | { readonly type: "refused"; readonly id: number; readonly error: WireError }
  /** The next of them; what a step says must not wait behind a million. */
  | { readonly type: "tokens"; readonly id: number; readonly tokens: Int32Array; readonly isLast: boolean }
  /** Of tokens that may end within a character. */
  | { readonly type: "text"; readonly id: number; readonly bytes: Uint8Array }
  | { readonly type: "cache"; readonly id: number; readonly view: CacheView<number> };
