import { ApiError } from "../../errors.ts";
import { LlamaError } from "../llama/errors.ts";
import type { WireError } from "./process-news.ts";

/** An error as it crosses to the server; anything but an `ApiError` is a defect, whose stack `report` gets. */
export function asWireError(error: unknown, report: (text: string) => void): WireError {
  if (error instanceof ApiError) {
    const { code, message, param, details, retryAfterSeconds } = error;
    return {
      code,
      message,
      options: {
        ...(param !== undefined && { param }),
        ...(details !== undefined && { details }),
        ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
      },
    };
  }
  report(error instanceof Error ? (error.stack ?? error.message) : String(error));
  const message = error instanceof LlamaError ? error.message : "The engine failed on this request.";
  return { code: "internal_error", message, options: {} };
}

export function fromWire(error: WireError): ApiError {
  return new ApiError(error.code, error.message, error.options);
}
