import { parseArgs } from "node:util";
import { convertCheckpoint } from "../models/convert/convert.ts";
import { defaultQuantization, parseQuantization, quantizations } from "../models/convert/quantization.ts";
import { formatBytes } from "../models/disk-space.ts";
import { ModelError } from "../models/errors.ts";

const usage = `Usage: npm run convert -- DIRECTORY OUTPUT.gguf [--quant ${quantizations.join("|")}] [--name NAME]

Converts a Hugging Face checkpoint (config.json, tokenizer.json, *.safetensors) to a GGUF file.`;

/** @returns the exit code: 0 done, 1 failed, 2 called wrongly */
export async function convert(
  args: string[],
  settings: { readonly libraryDirectory?: string | undefined } = {},
): Promise<number> {
  const { positionals, values } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { quant: { type: "string" }, name: { type: "string" }, help: { type: "boolean", short: "h" } },
  });
  const [directory, output] = positionals;
  if (values.help || directory === undefined || output === undefined) {
    console.error(usage);
    return values.help ? 0 : 2;
  }
  try {
    const started = performance.now();
    const result = await convertCheckpoint(directory, output, {
      quantization: parseQuantization(values.quant ?? defaultQuantization),
      name: values.name,
      libraryDirectory: settings.libraryDirectory,
    });
    const seconds = (performance.now() - started) / 1000;
    console.log(
      `${result.path}: ${result.tensors} tensors, ${formatBytes(result.bytesRead)} → ${formatBytes(result.bytesWritten)} ` +
        `in ${seconds.toFixed(1)} s`,
    );
    return 0;
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    console.error(error.message);
    return 1;
  }
}
