/** Reordering of tensor values, done in F32 or on whole rows of any type. */

/**
 * Reorders the rows of whole heads from halves to neighbours: row 2i + j of a head comes from its row
 * j · headRows/2 + i. It undoes the permutation Hugging Face applied when Llama's weights were published.
 */
export function toRotaryNeighbours(
  source: Uint8Array,
  target: Uint8Array,
  rows: number,
  rowBytes: number,
  headRows: number,
): void {
  const half = headRows / 2;
  for (let head = 0; head < rows; head += headRows) {
    for (let index = 0; index < headRows; index++) {
      const from = (head + (index % 2) * half + (index >> 1)) * rowBytes;
      target.set(source.subarray(from, from + rowBytes), (head + index) * rowBytes);
    }
  }
}

/** Side of the square blocks in which a transpose stays inside the cache. */
const blockSide = 32;

/** Columns `firstColumn … firstColumn + columns` of a [rows, rowLength] matrix, as rows of the target. */
export function transposeColumns(
  source: Float32Array,
  target: Float32Array,
  shape: { readonly rows: number; readonly rowLength: number },
  firstColumn: number,
  columns: number,
): void {
  const { rows, rowLength } = shape;
  for (let columnBlock = 0; columnBlock < columns; columnBlock += blockSide) {
    const columnEnd = Math.min(columnBlock + blockSide, columns);
    for (let rowBlock = 0; rowBlock < rows; rowBlock += blockSide) {
      const rowEnd = Math.min(rowBlock + blockSide, rows);
      for (let column = columnBlock; column < columnEnd; column++) {
        for (let row = rowBlock; row < rowEnd; row++) {
          target[column * rows + row] = source[row * rowLength + firstColumn + column] ?? 0;
        }
      }
    }
  }
}
