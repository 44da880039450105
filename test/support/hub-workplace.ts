import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { ModelError, type ModelErrorCode } from "../../src/models/errors.ts";
import type { ResolveOptions } from "../../src/models/resolved-model.ts";
import { FakeHub } from "./fake-hub.ts";
import { ggufBytes } from "./gguf-file.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

/** What a fake hub and an empty cache need of each other. */
export interface HubWorkplace {
  readonly hub: FakeHub;
  readonly directory: string;
  readonly hfHome: string;
  readonly options: ResolveOptions;
}

/** Small parts and short pauses make small files behave like large ones. */
export async function hubWorkplace(context: TestContext): Promise<HubWorkplace> {
  const hub = await FakeHub.start(context);
  const directory = await temporaryDirectory(context);
  const hfHome = join(directory, "home");
  const builtinPath = join(directory, "builtin.gguf");
  writeFileSync(builtinPath, await ggufBytes(context, { elements: 64 }));
  const download = { partBytes: 64 << 10, retryDelayMs: 1 };
  return { hub, directory, hfHome, options: { builtinPath, hfHome, endpoint: hub.endpoint, download } };
}

/** For `assert.rejects`: a `ModelError` of this code, whose message a person can act on. */
export function failsWith(code: ModelErrorCode, ...patterns: readonly RegExp[]): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof ModelError, String(error));
    assert.equal(error.code, code, error.message);
    for (const pattern of patterns) assert.match(error.message, pattern);
    return true;
  };
}
