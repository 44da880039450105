import { convertCheckpoint } from "../src/models/convert/convert.ts";

/** Usage: node training/convert.ts CHECKPOINT_DIRECTORY OUTPUT.gguf */
const [directory, output] = process.argv.slice(2);
if (directory === undefined || output === undefined)
  throw new Error("usage: convert.ts CHECKPOINT_DIRECTORY OUTPUT.gguf");

const conversion = await convertCheckpoint(directory, output, { name: "llm-server builtin", quantization: "Q8_0" });
console.log(`${conversion.path}: ${conversion.tensors} tensors, ${conversion.bytesWritten} bytes`);
