import { KEY, type TestServer } from "./server.ts";

export interface Form {
  readonly name?: string;
  readonly type?: string;
  readonly metadata?: string;
}

/** Uploads a file as a browser would: fields after it, which the server must not mind. */
export function upload(
  server: TestServer,
  fileName: string,
  content: string | Uint8Array<ArrayBuffer>,
  { name = "uploaded", type = "rag_corpus", metadata }: Form = {},
): Promise<Response> {
  const form = new FormData();
  form.set("file", new Blob([content]), fileName);
  form.set("name", name);
  form.set("type", type);
  if (metadata !== undefined) form.set("metadata", metadata);
  return fetch(`${server.url}/v1/datasets`, { method: "POST", headers: KEY, body: form });
}

/** A dataset as the server answers. */
export interface DatasetAnswer {
  readonly dataset_id: string;
  readonly name: string;
  readonly type: string;
  readonly status: string;
  readonly progress: number;
  readonly record_count: number;
  readonly records_count: number;
  readonly rejected_count: number;
  readonly record_errors: ReadonlyArray<{
    readonly index: number;
    readonly record_id: string | null;
    readonly code: string;
    readonly message: string;
    readonly path: string;
    readonly line?: number;
    readonly severity: string;
  }>;
  readonly content_hash: string | null;
  readonly metadata: unknown;
  readonly error: string | null;
}

export interface ListAnswer<Item> {
  readonly data: readonly Item[];
  readonly next_cursor: string | null;
}
