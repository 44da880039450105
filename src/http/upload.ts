import { createWriteStream } from "node:fs";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Multipart, MultipartFile } from "@fastify/multipart";
import type { FastifyRequest } from "fastify";
import { ApiError, InvalidRequestError } from "../errors.ts";

/** A multipart form: its texts, and its one file, which stays on disk until this is disposed of. */
export interface Upload extends AsyncDisposable {
  readonly fields: Readonly<Record<string, string>>;
  readonly file: { readonly path: string; readonly name: string; readonly bytes: number };
}

/** Bytes of one text field. */
const MAX_FIELD_BYTES = 1024 * 1024;
const DIRECTORY_PREFIX = "llm-server-upload-";
/** No upload takes this long: a directory that is older was left by a process that was killed. */
const ABANDONED_AFTER_MS = 24 * 60 * 60_000;

/** Removes what killed processes of this user left of uploads. `now` is a time in ms, as `Date.now` gives it. */
export async function removeAbandonedUploads(now: number): Promise<void> {
  for (const entry of await readdir(tmpdir(), { withFileTypes: true })) {
    if (!entry.isDirectory() || !entry.name.startsWith(DIRECTORY_PREFIX)) continue;
    const path = join(tmpdir(), entry.name);
    const found = await stat(path, { throwIfNoEntry: false });
    const isOurs = process.getuid === undefined || found?.uid === process.getuid();
    if (found !== undefined && isOurs && now - found.mtimeMs > ABANDONED_AFTER_MS)
      await rm(path, { recursive: true, force: true });
  }
}

/**
 * Receives a multipart form with one file called `file`. Fields may come after it, so it is written to a temporary
 * file first, whose name is ours and not the client's.
 * @throws ApiError `payload_too_large`, or `invalid_request` for a form that is none or has no file
 */
export async function receiveUpload(request: FastifyRequest, limitBytes: number): Promise<Upload> {
  if (Number(request.headers["content-length"] ?? 0) > limitBytes + MAX_FIELD_BYTES)
    throw tooLarge(limitBytes);
  const directory = await mkdtemp(join(tmpdir(), DIRECTORY_PREFIX));
  const dispose = () => rm(directory, { recursive: true, force: true });
  try {
    const fields: Record<string, string> = {};
    let file: Upload["file"] | undefined;
    const limits = {
      fileSize: limitBytes,
      files: 1,
      fields: 16,
      fieldSize: MAX_FIELD_BYTES,
      fieldNameSize: 100,
      headerPairs: 100,
    };
    for await (const part of request.parts({ limits })) {
      if (part.type === "field") fields[part.fieldname] = textOf(part);
      else file = await save(part, join(directory, "file"), limitBytes);
    }
    if (file === undefined)
      throw new InvalidRequestError("file is required: the form has no file of that name.", {
        param: "file",
      });
    return { fields, file, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw asApiError(error, limitBytes);
  }
}

function textOf(part: Exclude<Multipart, MultipartFile>): string {
  if (part.valueTruncated)
    throw new ApiError("payload_too_large", `${part.fieldname} has more than ${MAX_FIELD_BYTES} bytes.`, {
      param: part.fieldname,
    });
  return String(part.value);
}

async function save(part: MultipartFile, path: string, limitBytes: number): Promise<Upload["file"]> {
  if (part.fieldname !== "file") {
    // What is not read would hold up the rest of the form.
    part.file.resume();
    throw new InvalidRequestError(`${part.fieldname} is a file; the one to upload is called file.`, {
      param: "file",
    });
  }
  const target = createWriteStream(path, { flags: "wx", mode: 0o600 });
  await pipeline(part.file, target);
  if (part.file.truncated) throw tooLarge(limitBytes);
  return { path, name: part.filename, bytes: target.bytesWritten };
}

function tooLarge(limitBytes: number): ApiError {
  return new ApiError("payload_too_large", `The file has more than ${limitBytes} bytes.`, { param: "file" });
}

/** Errors of the form's parser, which carry HTTP's own codes; what else fails is not the client's doing. */
function asApiError(error: unknown, limitBytes: number): unknown {
  const { code, statusCode, message } = error as Error & { code?: string; statusCode?: number };
  if (error instanceof ApiError) return error;
  if (code === "FST_REQ_FILE_TOO_LARGE") return tooLarge(limitBytes);
  if (code === "FST_FILES_LIMIT")
    return new InvalidRequestError("The form has several files; upload them one by one.", {
      param: "file",
      cause: error,
    });
  if (code === "ENOSPC")
    return new ApiError("service_unavailable", "The server's disk is full.", {
      retryAfterSeconds: 60,
      details: { reason: "store_unavailable" },
      cause: error,
    });
  const isForm = statusCode !== undefined || !(code ?? "").startsWith("E");
  return isForm
    ? new InvalidRequestError(`The multipart form can't be read: ${message}`, { cause: error })
    : error;
}
