/** The process that a model's code runs in: QuickJS in WebAssembly, which knows nothing of Node or the machine. */
import {
  newQuickJSWASMModuleFromVariant,
  type QuickJSContext,
  type QuickJSHandle,
} from "quickjs-emscripten-core";

const MEMORY_BYTES = 64 * 2 ** 20;
const STACK_BYTES = 128 * 1024;

const chunks: Buffer[] = [];
for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
const quickJs = await newQuickJSWASMModuleFromVariant(import("@jitl/quickjs-wasmfile-release-sync"));
const runtime = quickJs.newRuntime();
runtime.setMemoryLimit(MEMORY_BYTES);
runtime.setMaxStackSize(STACK_BYTES);
const context = runtime.newContext();
const lines: string[] = [];
addConsole(context, lines);
const result = context.evalCode(Buffer.concat(chunks).toString("utf8"), "code.js");
const isError = result.error !== undefined;
if (result.error !== undefined) lines.push(errorText(context, result.error));
else {
  const value = textOf(context, result.value);
  if (value !== "undefined") lines.push(value);
}
process.stdout.write(JSON.stringify({ text: lines.join("\n"), isError }));

function addConsole(context: QuickJSContext, lines: string[]): void {
  const console = context.newObject();
  const log = context.newFunction("log", (...given) => {
    lines.push(given.map((each) => textOf(context, each)).join(" "));
  });
  context.setProp(console, "log", log);
  context.setProp(context.global, "console", console);
}

function textOf(context: QuickJSContext, handle: QuickJSHandle): string {
  const value: unknown = context.dump(handle);
  return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
}

function errorText(context: QuickJSContext, handle: QuickJSHandle): string {
  const error = context.dump(handle) as { name?: string; message?: string } | string;
  return typeof error === "string" ? error : `${error.name ?? "Error"}: ${error.message ?? ""}`;
}
