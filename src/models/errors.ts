/** Why a model can't be found, fetched, read or converted. */
export type ModelErrorCode =
  | "invalid_name"
  | "not_found"
  | "is_directory"
  | "not_gguf"
  | "invalid_gguf"
  | "invalid_checkpoint"
  | "unsupported_architecture"
  | "unsupported_tokenizer"
  | "unsupported_quantization"
  | "offline"
  | "hub_unreachable"
  | "hub_failed"
  | "unauthorized"
  | "repository_not_found"
  | "file_not_found"
  | "checksum_mismatch"
  | "disk_full"
  | "locked"
  | "cancelled";

/** A failure that the operator can act on: the message says what failed and what to try. */
export class ModelError extends Error {
  override readonly name = "ModelError";
  readonly code: ModelErrorCode;

  constructor(code: ModelErrorCode, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options);
    this.code = code;
  }
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `code` of a Node error (`ENOENT`, `ENOSPC`), looking through the causes that `fetch` wraps around it. */
export function systemCodeOf(error: unknown): string | undefined {
  for (let current = error; current instanceof Error; current = current.cause) {
    if ("code" in current && typeof current.code === "string") return current.code;
  }
  return undefined;
}
