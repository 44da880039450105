import type { Static, TObject } from "typebox";
import type { RequestContext } from "../../telemetry/request-context.ts";

/** What a tool may change, for clients that ask a person before it runs. */
export interface ToolHints {
  readonly readOnlyHint: boolean;
  /** Called again with the same arguments it changes nothing more, and answers alike. */
  readonly idempotentHint: boolean;
}

/** Something of this server that programs call over MCP. */
export interface McpTool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly input: TObject;
  readonly output: TObject;
  readonly hints: ToolHints;
  /** `progress` tells how much has been done, in units of the tool's own. @throws ApiError that the model reads */
  readonly run: (
    input: unknown,
    context: RequestContext,
    progress: (done: number) => void,
  ) => Promise<ToolAnswer>;
  /** Begins it as a task, for clients that know of them. */
  readonly begin?: (input: unknown, context: RequestContext) => Promise<BegunTask>;
}

export interface BegunTask {
  readonly taskId: string;
  /** How far it is: a result has to keep to the tool's schema, whatever its type. */
  readonly answer: ToolAnswer;
}

export interface ToolAnswer {
  /** What a model reads; the JSON of `structured` where that says it best. */
  readonly text?: string;
  readonly structured: object;
}

/** A tool whose input, which is checked by its schema before it runs, has the schema's type. */
export function tool<I extends TObject>(
  definition: Omit<McpTool, "input" | "run" | "begin"> & {
    readonly input: I;
    readonly run: (
      input: Static<I>,
      context: RequestContext,
      progress: (done: number) => void,
    ) => Promise<ToolAnswer>;
    readonly begin?: (input: Static<I>, context: RequestContext) => Promise<BegunTask>;
  },
): McpTool {
  const { run, begin, ...rest } = definition;
  return {
    ...rest,
    run: (input, ...more) => run(input as Static<I>, ...more),
    ...(begin !== undefined && { begin: (input, context) => begin(input as Static<I>, context) }),
  };
}
