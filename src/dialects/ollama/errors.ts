import { Type } from "typebox";
import type { ApiError } from "../../errors.ts";

/** The form of every error of Ollama's routes: its clients show `error` as it is. */
export const ollamaError = {
  error: Type.String(),
  code: Type.String({ description: "Extra." }),
  request_id: Type.String({ description: "Extra." }),
};

export function toOllamaError(error: ApiError, requestId: string): { status: number; body: object } {
  return { status: error.status, body: { error: error.message, code: error.code, request_id: requestId } };
}
