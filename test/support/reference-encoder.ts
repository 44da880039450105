import type {
  Dense,
  Norm,
  SentenceEncoderWeights,
} from "../../src/inference/llama/sentence-encoder-weights.ts";

type Matrix = number[][];

/** The sentence encoder's forward pass in plain float64 arithmetic, one text at a time: slow, and easy to check. */
export function referenceEncode(weights: SentenceEncoderWeights<Float32Array>, ids: Int32Array): number[] {
  const { embeddings, width, timeScales, heads } = weights;
  const half = timeScales.length;
  let hidden: Matrix = [...ids].map((id, position) =>
    Array.from({ length: width }, (_, i) => {
      const angle = position * (timeScales[i % half] as number);
      return 2 * (embeddings[id * width + i] as number) + (i < half ? Math.sin(angle) : Math.cos(angle));
    }),
  );
  for (const layer of weights.layers) {
    const qkv = dense(normalise(hidden, layer.attentionNorm), layer.qkv);
    const attended = dense(attention(qkv, layer.qkv.inputs, heads), layer.attentionOutput);
    const sum = add(attended, layer.residual === undefined ? hidden : dense(hidden, layer.residual));
    const inner = dense(normalise(sum, layer.feedForwardNorm), layer.feedForwardIn);
    const rectified = inner.map((row) => row.map((value) => Math.max(0, value)));
    hidden = add(dense(rectified, layer.feedForwardOut), sum);
  }
  const mean = (hidden[0] as number[]).map(
    (_, i) => hidden.reduce((total, row) => total + (row[i] as number), 0) / hidden.length,
  );
  return (dense([mean], weights.output)[0] as number[]).map(Math.tanh);
}

function dense(input: Matrix, { kernel, bias, inputs, outputs }: Dense<Float32Array>): Matrix {
  return input.map((row) => {
    const result = Array.from({ length: outputs }, (_, i) => bias[i] as number);
    for (let k = 0; k < inputs; k++)
      for (let i = 0; i < outputs; i++)
        result[i] = (result[i] as number) + (row[k] as number) * (kernel[k * outputs + i] as number);
    return result;
  });
}

function normalise(input: Matrix, { scale, bias }: Norm<Float32Array>): Matrix {
  return input.map((row) => {
    const mean = row.reduce((a, b) => a + b, 0) / row.length;
    const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / row.length;
    return row.map(
      (value, i) =>
        ((value - mean) / Math.sqrt(variance + 1e-6)) * (scale[i] as number) + (bias[i] as number),
    );
  });
}

function attention(qkv: Matrix, width: number, heads: number): Matrix {
  const headWidth = width / heads;
  const result: Matrix = qkv.map(() => []);
  for (let head = 0; head < heads; head++) {
    const part = (row: number[], index: number) =>
      row.slice(index * width + head * headWidth, index * width + (head + 1) * headWidth);
    for (const [position, row] of qkv.entries()) {
      const query = part(row, 0);
      const scores = qkv.map((other) => dot(query, part(other, 1)) / Math.sqrt(headWidth));
      const largest = Math.max(...scores);
      const exponentials = scores.map((score) => Math.exp(score - largest));
      const total = exponentials.reduce((a, b) => a + b, 0);
      const mixed = new Array<number>(headWidth).fill(0);
      for (const [index, other] of qkv.entries())
        for (const [i, value] of part(other, 2).entries())
          mixed[i] = (mixed[i] as number) + ((exponentials[index] as number) / total) * value;
      result[position]?.push(...mixed);
    }
  }
  return result;
}

function add(a: Matrix, b: Matrix): Matrix {
  return a.map((row, i) => row.map((value, j) => value + (b[i]?.[j] as number)));
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);
}
