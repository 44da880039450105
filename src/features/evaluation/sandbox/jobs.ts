import type { MetricResult } from "../metrics/metric-result.ts";

/** What the sandbox can be asked to do. Plain data, since it crosses threads. */
export type SandboxJob =
  | {
      readonly type: "regex";
      readonly pattern: string;
      readonly flags: string;
      readonly text: string;
    }
  | { readonly type: "json_schema"; readonly schema: object; readonly value: unknown }
  | {
      readonly type: "text_metric";
      readonly metric: "chrf" | "rouge_l";
      readonly response: string;
      readonly reference: string;
      readonly options: object;
    };

export interface SchemaIssue {
  /** JSON pointer into the value. */
  readonly path: string;
  readonly message: string;
}

export interface SandboxResults {
  readonly regex: { readonly matched: boolean; readonly groups: readonly (string | null)[] };
  readonly json_schema: { readonly errors: readonly SchemaIssue[] };
  readonly text_metric: MetricResult;
}

/** A job's result, or why the pattern or the schema can't be used at all. */
export type SandboxReply<T extends SandboxJob["type"] = SandboxJob["type"]> =
  | { readonly type: "result"; readonly result: SandboxResults[T] }
  | { readonly type: "unusable"; readonly message: string };
