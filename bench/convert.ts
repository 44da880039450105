/**
 * Conversion speed and memory on a synthetic checkpoint with TinyLlama-1.1B's shapes (BF16, 2.2 GB), in a process of
 * its own: `npm run bench:convert -- [--quant Q8_0,Q4_0,F16] [--layers 22]`. Everything is removed afterwards.
 */
import { execFileSync } from "node:child_process";
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { convertCheckpoint } from "../src/models/convert/convert.ts";
import { parseQuantization } from "../src/models/convert/quantization.ts";

const shape = { hidden: 2048, inner: 5632, heads: 32, kvHeads: 4, vocabulary: 32_000 };

interface Measurement {
  readonly seconds: number;
  readonly inputBytes: number;
  readonly outputBytes: number;
  readonly peakResidentBytes: number;
}

const { values } = parseArgs({
  options: {
    quant: { type: "string", default: "Q8_0,Q4_0,F16" },
    layers: { type: "string", default: "22" },
    /** Set in the measured process. */
    measure: { type: "string" },
    output: { type: "string", default: "" },
  },
});

if (values.measure !== undefined) await measure(values.measure, values.output, values.quant);
else run(Number(values.layers), values.quant.split(","));

async function measure(checkpoint: string, output: string, quant: string): Promise<void> {
  const started = performance.now();
  const result = await convertCheckpoint(checkpoint, output, { quantization: parseQuantization(quant) });
  const measurement: Measurement = {
    seconds: (performance.now() - started) / 1000,
    inputBytes: result.bytesRead,
    outputBytes: result.bytesWritten,
    peakResidentBytes: process.resourceUsage().maxRSS * 1024,
  };
  console.log(JSON.stringify(measurement));
}

function run(layers: number, quantizations: readonly string[]): void {
  const directory = mkdtempSync(join(tmpdir(), "llm-server-bench-"));
  try {
    const checkpoint = join(directory, "checkpoint");
    writeCheckpoint(checkpoint, layers);
    for (const quant of quantizations) {
      const output = join(directory, "model.gguf");
      const args = [import.meta.filename, "--measure", checkpoint, "--output", output, "--quant", quant];
      const printed = execFileSync(process.execPath, args, { encoding: "utf8" });
      const { seconds, inputBytes, outputBytes, peakResidentBytes }: Measurement = JSON.parse(printed);
      const mega = (bytes: number) => (bytes / 1e6).toFixed(0);
      console.log(
        `${quant}: ${mega(inputBytes)} MB to ${mega(outputBytes)} MB in ${seconds.toFixed(1)} s, ` +
          `${mega(inputBytes / seconds)} MB/s of input, peak resident memory ${mega(peakResidentBytes)} MB`,
      );
      rmSync(output);
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Names and shapes of TinyLlama; a byte-level vocabulary of the 256 bytes alone, the rest of its rows unused. */
function writeCheckpoint(directory: string, layers: number): void {
  mkdirSync(directory);
  const { hidden, inner, heads, kvHeads, vocabulary } = shape;
  const keys = (hidden / heads) * kvHeads;
  const tensors: [string, number[]][] = [["model.embed_tokens.weight", [vocabulary, hidden]]];
  for (let layer = 0; layer < layers; layer++) {
    const at = `model.layers.${layer}`;
    tensors.push(
      [`${at}.input_layernorm.weight`, [hidden]],
      [`${at}.self_attn.q_proj.weight`, [hidden, hidden]],
      [`${at}.self_attn.k_proj.weight`, [keys, hidden]],
      [`${at}.self_attn.v_proj.weight`, [keys, hidden]],
      [`${at}.self_attn.o_proj.weight`, [hidden, hidden]],
      [`${at}.post_attention_layernorm.weight`, [hidden]],
      [`${at}.mlp.gate_proj.weight`, [inner, hidden]],
      [`${at}.mlp.up_proj.weight`, [inner, hidden]],
      [`${at}.mlp.down_proj.weight`, [hidden, inner]],
    );
  }
  tensors.push(["model.norm.weight", [hidden]], ["lm_head.weight", [vocabulary, hidden]]);
  writeWeights(join(directory, "model.safetensors"), tensors);
  const config = {
    architectures: ["LlamaForCausalLM"],
    vocab_size: vocabulary,
    hidden_size: hidden,
    intermediate_size: inner,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: kvHeads,
    max_position_embeddings: 2048,
    rms_norm_eps: 1e-5,
    tie_word_embeddings: false,
  };
  writeFileSync(join(directory, "config.json"), JSON.stringify(config));
  const vocab = Object.fromEntries(
    Array.from({ length: 256 }, (_, id) => [String.fromCodePoint(0x4e00 + id), id]),
  );
  const tokenizer = {
    added_tokens: [{ id: 256, content: "</s>", special: true }],
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false },
    model: { type: "BPE", vocab, merges: [] },
  };
  writeFileSync(join(directory, "tokenizer.json"), JSON.stringify(tokenizer));
  writeFileSync(join(directory, "tokenizer_config.json"), JSON.stringify({ eos_token: "</s>" }));
}

function writeWeights(path: string, tensors: readonly (readonly [string, readonly number[]])[]): void {
  const header: Record<string, unknown> = {};
  let at = 0;
  for (const [name, dimensions] of tensors) {
    const bytes = dimensions.reduce((product, size) => product * size, 2);
    header[name] = { dtype: "BF16", shape: dimensions, data_offsets: [at, at + bytes] };
    at += bytes;
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const file = openSync(path, "w");
  try {
    writeSync(file, Buffer.concat([length, text]));
    const noise = weightNoise(16 << 20);
    for (let left = at; left > 0; left -= noise.length)
      writeSync(file, noise, 0, Math.min(left, noise.length));
  } finally {
    closeSync(file);
  }
  console.log(
    `synthetic checkpoint: ${tensors.length} tensors, ${(statSync(path).size / 1e6).toFixed(0)} MB`,
  );
}

/** BF16 numbers of the size that weights have: random signs and mantissas, exponents around 2^-6. */
function weightNoise(bytes: number): Buffer {
  const noise = new Uint16Array(bytes / 2).map(() => {
    const exponent = 118 + Math.floor(Math.random() * 6);
    return (Math.random() < 0.5 ? 0x8000 : 0) | (exponent << 7) | Math.floor(Math.random() * 128);
  });
  return Buffer.from(noise.buffer);
}
