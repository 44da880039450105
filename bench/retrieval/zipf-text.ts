import { SeededRandom } from "../load/random.ts";

const VOCABULARY = 30_000;
const WORDS_PER_PASSAGE = 80;
const WORDS_PER_QUESTION = 8;
const SYLLABLES = [
  "ba",
  "ke",
  "di",
  "lo",
  "mu",
  "ra",
  "se",
  "ti",
  "vo",
  "zu",
  "na",
  "pe",
  "go",
  "fi",
  "ha",
  "ju",
];

/** Text whose words are as unevenly frequent as those of a language (Zipf's law), which is what search by words costs by. */
export function zipfText(seed: number) {
  const random = new SeededRandom(seed);
  const sums: number[] = [];
  for (let rank = 1, sum = 0; rank <= VOCABULARY; rank++) {
    sum += 1 / rank;
    sums.push(sum);
  }
  const total = sums.at(-1) ?? 1;
  const word = () => {
    const drawn = random.next() * total;
    let low = 0;
    for (let high = VOCABULARY - 1; low < high; ) {
      const middle = (low + high) >> 1;
      if ((sums[middle] as number) < drawn) low = middle + 1;
      else high = middle;
    }
    return spell(low);
  };
  const words = (count: number) => Array.from({ length: count }, word).join(" ");
  return { passage: () => `${words(WORDS_PER_PASSAGE)}.`, question: () => `${words(WORDS_PER_QUESTION)}?` };
}

/** A pronounceable word for each rank, all different. */
function spell(rank: number): string {
  let rest = rank + SYLLABLES.length;
  let word = "";
  while (rest > 0) {
    word += SYLLABLES[rest % SYLLABLES.length];
    rest = Math.floor(rest / SYLLABLES.length);
  }
  return word;
}
