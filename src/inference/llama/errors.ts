/** What a call into llama.cpp can fail with; `code` is for programs, `message` says what to try. */
export type LlamaErrorCode =
  | "library_not_found"
  | "library_mismatch"
  | "file_not_found"
  | "not_a_file"
  | "not_a_gguf"
  | "truncated_file"
  | "unsupported_architecture"
  | "out_of_memory"
  | "decode_failed"
  | "load_failed";

export class LlamaError extends Error {
  override readonly name = "LlamaError";
  readonly code: LlamaErrorCode;

  constructor(code: LlamaErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
