import { setImmediate as yieldToOthers } from "node:timers/promises";

/** Blocks of 32 columns that are worked on before others get their turn: a few milliseconds. */
const BLOCKS_PER_TURN = 500_000;

/** Where an item is: for each block of 32 columns that contains it, the block's number and a bit for each such column. */
interface Places {
  readonly blocks: number[];
  readonly bits: number[];
}

/**
 * Length of the longest common subsequence, 32 columns at a time (Hyyrö 2004, "Bit-parallel LCS-length computation
 * revisited"): time at most a·b/32, memory a + b. Gives others their turn in between, since two texts of the longest
 * kind take half a second.
 */
export async function longestCommonSubsequence(a: readonly string[], b: readonly string[]): Promise<number> {
  const places = placesOf(b);
  // A bit is 0 where the length grows from its column to the next.
  const columns = new Uint32Array(Math.ceil(b.length / 32)).fill(0xffffffff);
  let worked = 0;
  for (const item of a) {
    const found = places.get(item);
    if (found === undefined) continue;
    worked += advance(columns, found);
    if (worked < BLOCKS_PER_TURN) continue;
    worked = 0;
    await yieldToOthers();
  }
  return columns.reduce((length, block) => length + zeros(block), 0);
}

/** Adds one row: `columns = (columns + matches) | (columns & ~matches)` as one long number. @returns blocks looked at */
function advance(columns: Uint32Array, { blocks, bits }: Places): number {
  let carry = 0;
  let block = 0;
  let looked = 0;
  for (let at = 0; at < blocks.length; at++, looked++) {
    // Without matches a block only hands a carry on, and stays what it is when it does.
    for (; carry === 1 && block < (blocks[at] as number); block++, looked++) {
      carry = columns[block] === 0xffffffff ? 1 : 0;
      if (carry === 0) columns[block] = (columns[block] as number) | ((columns[block] as number) + 1);
    }
    block = blocks[at] as number;
    const before = columns[block] as number;
    const matches = (before & (bits[at] as number)) >>> 0;
    const sum = before + matches + carry;
    carry = sum > 0xffffffff ? 1 : 0;
    columns[block++] = (sum >>> 0) | (before & ~matches);
  }
  for (; carry === 1 && block < columns.length; block++, looked++) {
    carry = columns[block] === 0xffffffff ? 1 : 0;
    if (carry === 0) columns[block] = (columns[block] as number) | ((columns[block] as number) + 1);
  }
  return looked;
}

function placesOf(items: readonly string[]): ReadonlyMap<string, Places> {
  const places = new Map<string, Places>();
  for (const [column, item] of items.entries()) {
    const found = places.get(item) ?? { blocks: [], bits: [] };
    places.set(item, found);
    const [block, bit] = [column >>> 5, 1 << (column & 31)];
    if (found.blocks.at(-1) === block) found.bits.push((found.bits.pop() as number) | bit);
    else {
      found.blocks.push(block);
      found.bits.push(bit);
    }
  }
  return places;
}

function zeros(block: number): number {
  let ones = 0;
  for (let rest = block; rest !== 0; rest &= rest - 1) ones++;
  return 32 - ones;
}
