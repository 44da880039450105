import { number, type TestCheckpoint } from "./checkpoint.ts";
import { type Rotary, rotaryOf, rotate } from "./reference-rope.ts";
import { roundTo, type TestTensor } from "./safetensors.ts";

/**
 * Forward passes written from the architectures' definitions in float64, on the checkpoint's own tensors: the
 * independent witness that conversion and engine are measured against. Clear, not fast.
 */
export function referenceLogits(
  checkpoint: TestCheckpoint,
  tokens: readonly number[],
  activations: Activations = "F64",
  onAttention: OnAttention = () => {},
): readonly Float64Array[] {
  const round: Round = activations === "F64" ? (vector) => vector : (vector) => vector.map(toHalf);
  switch (checkpoint.family) {
    case "gpt2":
      return gpt2(checkpoint, tokens, round, onAttention);
    case "lfm2":
      return lfm2(checkpoint, tokens, round);
    default:
      return gatedDecoder(checkpoint, tokens, round, onAttention);
  }
}

/**
 * `F16` rounds each vector to half precision before it meets a weight, as ggml's kernels for F16 weights do: then
 * what is left of a difference is the conversion's, not the number format's.
 */
export type Activations = "F64" | "F16";
/** Told of what each position gave to those up to itself, from the first that it sees. */
type OnAttention = (layer: number, head: number, position: number, weights: readonly number[]) => void;
type Round = (vector: Vector) => Vector;

function toHalf(value: number): number {
  return roundTo(value, "F16");
}

type Vector = Float64Array;
type Lookup = (name: string) => TestTensor;

function gpt2(
  { config, tensors }: TestCheckpoint,
  tokens: readonly number[],
  round: Round,
  onAttention: OnAttention,
): readonly Vector[] {
  const tensor = lookupIn(tensors, ["", "transformer."]);
  const hidden = number(config, "n_embd");
  const heads = number(config, "n_head");
  const headSize = hidden / heads;
  const epsilon = number(config, "layer_norm_epsilon");
  const norm = (rows: readonly Vector[], at: string) =>
    rows.map((row) => layerNorm(row, tensor(`${at}.weight`), tensor(`${at}.bias`), epsilon));
  const conv = (rows: readonly Vector[], at: string) =>
    rows.map((row) => add(timesInOut(round(row), tensor(`${at}.weight`)), tensor(`${at}.bias`).values));
  let states = tokens.map((token, position) =>
    add(rowOf(tensor("wte.weight"), token), rowOf(tensor("wpe.weight"), position)),
  );
  for (let layer = 0; layer < number(config, "n_layer"); layer++) {
    const at = `h.${layer}`;
    const fused = conv(norm(states, `${at}.ln_1`), `${at}.attn.c_attn`);
    const part = (index: number) => fused.map((row) => row.slice(index * hidden, (index + 1) * hidden));
    const attended = attention(part(0), part(1), part(2), {
      heads,
      kvHeads: heads,
      headSize,
      scale: headSize ** -0.5,
      onWeights: (...seen) => onAttention(layer, ...seen),
    });
    const projected = conv(attended, `${at}.attn.c_proj`);
    states = states.map((row, index) => add(row, projected[index] ?? []));
    const inner = conv(norm(states, `${at}.ln_2`), `${at}.mlp.c_fc`).map((row) =>
      round(round(row).map(geluTanh)),
    );
    const out = conv(inner, `${at}.mlp.c_proj`);
    states = states.map((row, index) => add(row, out[index] ?? []));
  }
  return norm(states, "ln_f").map((row) => times(tensor("wte.weight"), round(row)));
}

function gatedDecoder(
  { config, tensors }: TestCheckpoint,
  tokens: readonly number[],
  round: Round,
  onAttention: OnAttention,
): readonly Vector[] {
  const tensor = lookupIn(tensors, [""]);
  const hidden = number(config, "hidden_size");
  const heads = number(config, "num_attention_heads");
  const kvHeads = number(config, "num_key_value_heads");
  const headSize = typeof config["head_dim"] === "number" ? config["head_dim"] : hidden / heads;
  const epsilon = number(config, "rms_norm_eps");
  const rope = rotaryOf(config, headSize);
  const windowRope = rotaryOf({ ...config, rope_theta: config["rope_local_base_freq"] ?? 10_000 }, headSize);
  const scaled = (key: string) => (typeof config[key] === "number" ? config[key] : 1);
  const residual = scaled("residual_multiplier");
  const shape: HeadShape = {
    heads,
    kvHeads,
    headSize,
    scale:
      typeof config["attention_multiplier"] === "number" ? config["attention_multiplier"] : headSize ** -0.5,
  };
  const isGemma = config["model_type"] === "gemma3_text";
  const linear = (rows: readonly Vector[], at: string) =>
    rows.map((row) => {
      const product = times(tensor(`${at}.weight`), round(row));
      return tensors.has(`${at}.bias`) ? add(product, tensor(`${at}.bias`).values) : product;
    });
  /** Gemma's weights of norms are those that 1 is added to. */
  const normed = (row: Vector, { shape: rows, values }: TestTensor) =>
    rmsNorm(row, { shape: rows, values: isGemma ? values.map((x) => x + 1) : values }, epsilon);
  const norm = (rows: readonly Vector[], at: string) =>
    rows.map((row) => normed(row, tensor(`${at}.weight`)));
  /** The norm that the checkpoint has, of a head (Qwen3) or of all (OLMo 2), then the rotation where the layer has one. */
  const heads_ = (rows: readonly Vector[], normName: string, rope: Rotary | undefined) =>
    rows.map((row, position) => {
      const weight = tensors.get(normName);
      const isWhole = weight !== undefined && weight.shape[0] !== headSize;
      return mapHeads(isWhole ? normed(row, weight) : row, headSize, (head) => {
        const own = weight === undefined || isWhole ? head : normed(head, weight);
        return rope === undefined ? own : rotate(own, position, rope);
      });
    });
  const feedForward = (rows: readonly Vector[], at: string) => {
    const both = tensors.has(`${at}.gate_up_proj.weight`) ? linear(rows, `${at}.gate_up_proj`) : undefined;
    const gates = both?.map((row) => row.slice(0, row.length / 2)) ?? linear(rows, `${at}.gate_proj`);
    const ups = both?.map((row) => row.slice(row.length / 2)) ?? linear(rows, `${at}.up_proj`);
    const activate = isGemma ? geluTanh : (x: number) => x / (1 + Math.exp(-x));
    const gated = gates.map((gate, index) => gate.map((x, i) => activate(x) * (ups[index]?.[i] ?? 0)));
    return linear(gated, `${at}.down_proj`);
  };
  /** The best experts of each row, weighted by a softmax over them alone. */
  const experts = (rows: readonly Vector[], at: string): readonly Vector[] =>
    rows.map((row) => {
      const [scores = new Float64Array()] = linear([row], `${at}.gate`);
      const chosen = [...scores.entries()]
        .toSorted(([, a], [, b]) => b - a)
        .slice(0, number(config, "num_experts_per_tok"));
      const most = chosen[0]?.[1] ?? 0;
      const total = chosen.reduce((sum, [, score]) => sum + Math.exp(score - most), 0);
      return chosen.reduce<Vector>((sum, [expert, score]) => {
        const [made = new Float64Array()] = feedForward([row], `${at}.experts.${expert}`);
        return add(
          sum,
          made.map((x) => (x * Math.exp(score - most)) / total),
        );
      }, new Float64Array(hidden));
    });
  const joined = (rows: readonly Vector[], more: readonly Vector[]) =>
    rows.map((row, index) =>
      add(
        row,
        (more[index] ?? new Float64Array()).map((x) => residual * x),
      ),
    );
  const embeddingScale = isGemma ? Math.sqrt(hidden) : scaled("embedding_multiplier");
  const unrotated = config["no_rope_layers"] as readonly number[] | undefined;
  let states: readonly Vector[] = tokens.map((token) =>
    rowOf(tensor("model.embed_tokens.weight"), token).map((x) => x * embeddingScale),
  );
  for (let layer = 0; layer < number(config, "num_hidden_layers"); layer++) {
    const at = `model.layers.${layer}`;
    const normsAfter = tensors.has(`${at}.post_feedforward_layernorm.weight`);
    const normsBefore = tensors.has(`${at}.input_layernorm.weight`);
    const hasWindow = isGemma && (layer + 1) % 6 !== 0;
    const ownRope = hasWindow ? windowRope : unrotated?.[layer] === 0 ? undefined : rope;
    const read = normsBefore ? norm(states, `${at}.input_layernorm`) : states;
    const parts = tensors.has(`${at}.self_attn.qkv_proj.weight`)
      ? linear(read, `${at}.self_attn.qkv_proj`)
      : undefined;
    const part = (name: string, start: number, end: number) =>
      parts?.map((row) => row.slice(start, end)) ?? linear(read, `${at}.self_attn.${name}_proj`);
    const [ends, step] = [heads * headSize, kvHeads * headSize];
    const queries = heads_(part("q", 0, ends), `${at}.self_attn.q_norm.weight`, ownRope);
    const keys = heads_(part("k", ends, ends + step), `${at}.self_attn.k_norm.weight`, ownRope);
    const values = part("v", ends + step, ends + 2 * step);
    const window = hasWindow ? number(config, "sliding_window") : Infinity;
    const projected = linear(
      attention(queries, keys, values, {
        ...shape,
        window,
        onWeights: (...seen) => onAttention(layer, ...seen),
      }),
      `${at}.self_attn.o_proj`,
    );
    states = joined(states, normsAfter ? norm(projected, `${at}.post_attention_layernorm`) : projected);
    const innerNorm = isGemma ? "pre_feedforward_layernorm" : "post_attention_layernorm";
    const inner = normsBefore ? norm(states, `${at}.${innerNorm}`) : states;
    const down = tensors.has(`${at}.mlp.gate.weight`)
      ? experts(inner, `${at}.mlp`)
      : feedForward(inner, `${at}.mlp`);
    states = joined(states, normsAfter ? norm(down, `${at}.post_feedforward_layernorm`) : down);
  }
  const output = config["tie_word_embeddings"] === false ? "lm_head.weight" : "model.embed_tokens.weight";
  return norm(states, "model.norm").map((row) =>
    times(tensor(output), round(row)).map((logit) => logit / scaled("logits_scaling")),
  );
}

/** Short convolutions between two gates, and attention with normed queries and keys in some layers. */
function lfm2(
  { config, tensors }: TestCheckpoint,
  tokens: readonly number[],
  round: Round,
): readonly Vector[] {
  const tensor = lookupIn(tensors, [""]);
  const hidden = number(config, "hidden_size");
  const heads = number(config, "num_attention_heads");
  const headSize = hidden / heads;
  const epsilon = number(config, "norm_eps");
  const rope = rotaryOf(config, headSize);
  const linear = (rows: readonly Vector[], at: string) =>
    rows.map((row) => times(tensor(`${at}.weight`), round(row)));
  const norm = (rows: readonly Vector[], at: string) =>
    rows.map((row) => rmsNorm(row, tensor(`${at}.weight`), epsilon));
  const sum = (rows: readonly Vector[], more: readonly Vector[]) =>
    rows.map((row, index) => add(row, more[index] ?? []));
  const product = (a: Vector, b: Vector) => a.map((x, i) => x * (b[i] ?? 0));
  const convolution = (rows: readonly Vector[], at: string) => {
    const parts = linear(rows, `${at}.in_proj`);
    const gated = parts.map((row) => product(row.slice(0, hidden), row.slice(2 * hidden)));
    const { shape, values } = tensor(`${at}.conv.weight`);
    const length = shape[2] ?? 0;
    // The last number of a kernel is the own token's.
    const filtered = gated.map((row, position) =>
      row.map((_, channel) => {
        let total = 0;
        for (let back = 0; back < length; back++)
          total +=
            (values[channel * length + length - 1 - back] ?? 0) * (gated[position - back]?.[channel] ?? 0);
        return total;
      }),
    );
    const out = filtered.map((row, index) =>
      product(row, parts[index]?.slice(hidden, 2 * hidden) ?? new Float64Array()),
    );
    return linear(out, `${at}.out_proj`);
  };
  const attended = (rows: readonly Vector[], at: string) => {
    const rotated = (name: string) =>
      linear(rows, `${at}.${name}_proj`).map((row, position) =>
        mapHeads(row, headSize, (head) =>
          rotate(rmsNorm(head, tensor(`${at}.${name}_layernorm.weight`), epsilon), position, rope),
        ),
      );
    const kvHeads = number(config, "num_key_value_heads");
    const shape = { heads, kvHeads, headSize, scale: headSize ** -0.5 };
    return linear(
      attention(rotated("q"), rotated("k"), linear(rows, `${at}.v_proj`), shape),
      `${at}.out_proj`,
    );
  };
  let states: readonly Vector[] = tokens.map((token) => rowOf(tensor("model.embed_tokens.weight"), token));
  for (const [layer, type] of (config["layer_types"] as readonly string[]).entries()) {
    const at = `model.layers.${layer}`;
    const read = norm(states, `${at}.operator_norm`);
    states = sum(
      states,
      type === "conv" ? convolution(read, `${at}.conv`) : attended(read, `${at}.self_attn`),
    );
    const inner = norm(states, `${at}.ffn_norm`);
    const gates = linear(inner, `${at}.feed_forward.w1`).map((row) => row.map((x) => x / (1 + Math.exp(-x))));
    const ups = linear(inner, `${at}.feed_forward.w3`);
    const gated = gates.map((row, index) => product(row, ups[index] ?? new Float64Array()));
    states = sum(states, linear(gated, `${at}.feed_forward.w2`));
  }
  return norm(states, "model.embedding_norm").map((row) =>
    times(tensor("model.embed_tokens.weight"), round(row)),
  );
}

interface HeadShape {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  /** Of the products of queries and keys. */
  readonly scale: number;
  /** Positions that are seen, the own one among them; all when left out. */
  readonly window?: number;
  readonly onWeights?: (head: number, position: number, weights: readonly number[]) => void;
}

/** Causal softmax attention; key-value heads are shared by groups of query heads. */
function attention(
  queries: readonly Vector[],
  keys: readonly Vector[],
  values: readonly Vector[],
  { heads, kvHeads, headSize, scale, window = Infinity, onWeights }: HeadShape,
): readonly Vector[] {
  return queries.map((query, position) => {
    const out = new Float64Array(heads * headSize);
    const first = Math.max(0, position + 1 - window);
    for (let head = 0; head < heads; head++) {
      const kvHead = Math.floor(head / (heads / kvHeads));
      const q = query.subarray(head * headSize, (head + 1) * headSize);
      const scores = keys
        .slice(first, position + 1)
        .map((key) => dot(q, key.subarray(kvHead * headSize, (kvHead + 1) * headSize)) * scale);
      const most = Math.max(...scores);
      const weights = scores.map((score) => Math.exp(score - most));
      const total = weights.reduce((a, b) => a + b, 0);
      onWeights?.(
        head,
        position,
        weights.map((weight) => weight / total),
      );
      for (const [past, weight] of weights.entries()) {
        const value = values[first + past];
        for (let i = 0; i < headSize; i++) {
          out[head * headSize + i] =
            (out[head * headSize + i] ?? 0) + (weight / total) * (value?.[kvHead * headSize + i] ?? 0);
        }
      }
    }
    return out;
  });
}

function layerNorm(row: Vector, weight: TestTensor, bias: TestTensor, epsilon: number): Vector {
  const mean = row.reduce((a, b) => a + b, 0) / row.length;
  const variance = row.reduce((sum, x) => sum + (x - mean) ** 2, 0) / row.length;
  const scale = 1 / Math.sqrt(variance + epsilon);
  return row.map((x, i) => (x - mean) * scale * (weight.values[i] ?? 0) + (bias.values[i] ?? 0));
}

function rmsNorm(row: Vector, weight: TestTensor, epsilon: number): Vector {
  const scale = 1 / Math.sqrt(row.reduce((sum, x) => sum + x * x, 0) / row.length + epsilon);
  return row.map((x, i) => x * scale * (weight.values[i] ?? 0));
}

function geluTanh(x: number): number {
  return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
}

/** Weight [out, in] times a vector. */
function times({ shape, values }: TestTensor, vector: Vector): Vector {
  const [out = 0, length = 0] = shape;
  return Float64Array.from({ length: out }, (_, row) =>
    dot(values.subarray(row * length, (row + 1) * length), vector),
  );
}

/** A vector times a weight [in, out], which is how Conv1D keeps it. */
function timesInOut(vector: Vector, { shape, values }: TestTensor): Vector {
  const [, out = 0] = shape;
  const result = new Float64Array(out);
  for (const [row, x] of vector.entries()) {
    for (let column = 0; column < out; column++) {
      result[column] = (result[column] ?? 0) + x * (values[row * out + column] ?? 0);
    }
  }
  return result;
}

function dot(a: Float32Array | Vector, b: Vector): number {
  let sum = 0;
  for (let i = 0; i < b.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

function add(a: Vector, b: ArrayLike<number>): Vector {
  return a.map((x, i) => x + (b[i] ?? 0));
}

function rowOf({ shape, values }: TestTensor, row: number): Vector {
  const length = shape[1] ?? 0;
  return Float64Array.from(values.subarray(row * length, (row + 1) * length));
}

function mapHeads(row: Vector, headSize: number, change: (head: Vector) => Vector): Vector {
  const out = new Float64Array(row.length);
  for (let at = 0; at < row.length; at += headSize) out.set(change(row.slice(at, at + headSize)), at);
  return out;
}

function lookupIn(tensors: ReadonlyMap<string, TestTensor>, prefixes: readonly string[]): Lookup {
  return (name) => {
    const tensor = prefixes.map((prefix) => tensors.get(prefix + name)).find((found) => found !== undefined);
    if (!tensor) throw new Error(`the checkpoint has no ${name}`);
    return tensor;
  };
}
