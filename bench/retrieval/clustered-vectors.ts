import { SeededRandom } from "../load/random.ts";

const CLUSTERS = 1_000;
/** Directions in which texts differ: embeddings of a corpus fill few of their dimensions. */
const LATENT = 48;
const SPREAD = 0.6;
const NOISE = 0.3;

/**
 * Unit vectors as embeddings of a corpus lie: in clusters of uneven sizes, in a space of far fewer directions than
 * dimensions.
 */
export class ClusteredVectors {
  readonly #random: SeededRandom;
  readonly #projection: readonly Float32Array[];
  readonly #centres: readonly Float32Array[];

  constructor(dimensions: number, seed: number) {
    this.#random = new SeededRandom(seed);
    this.#projection = Array.from({ length: dimensions }, () => this.#normals());
    this.#centres = Array.from({ length: CLUSTERS }, () => this.#normals());
  }

  next(): Float32Array {
    // Squared: some clusters are far larger than others.
    const centre = this.#centres[Math.floor(this.#random.next() ** 2 * CLUSTERS)] as Float32Array;
    const latent = centre.map((value) => value + SPREAD * this.#random.normal());
    const vector = Float32Array.from(this.#projection, (row) => {
      let sum = 0;
      for (let index = 0; index < LATENT; index++) sum += (row[index] as number) * (latent[index] as number);
      return sum / Math.sqrt(LATENT) + NOISE * this.#random.normal();
    });
    const length = Math.hypot(...vector);
    return vector.map((value) => value / length);
  }

  #normals(): Float32Array {
    return Float32Array.from({ length: LATENT }, () => this.#random.normal());
  }
}
