import type { ApiErrorOptions, ErrorCode } from "../../errors.ts";

export interface WireError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly options: Omit<ApiErrorOptions, "cause">;
}

/** What a process says of itself, whatever its model does. */
export type ProcessNews<Model> =
  | { readonly type: "progress"; readonly fraction: number }
  | { readonly type: "ready"; readonly model: Model; readonly capacity: string }
  | { readonly type: "load_failed"; readonly message: string }
  | { readonly type: "log"; readonly level: "debug" | "info" | "warn" | "error"; readonly text: string }
  | { readonly type: "pong" };
