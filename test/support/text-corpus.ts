import { SeededRandom } from "./random.ts";

const words =
  "the of and to in is that for it as was with be by on not he his but at are this have from or had an they which one you were her all she there would their we him been has when who will more no if out so said what up its about into than them can only other new some could time these two may then do first any my now such like our over man me even most made after also did many before must through years where much your way well down should because each just those people how too little state good very make world still own see men work long get here between both life being under never day same another know while last might us great old year off come since against go came right used take three".split(
    " ",
  );

const others = [
  "我想在苹果工作一百天，然后回家。",
  "東京は日本の首都です。",
  "한국어 문장도 있습니다",
  "Привет, как дела?",
  "Ελληνικά γράμματα",
  "مرحبا بالعالم، كيف حالك؟",
  "שלום עולם",
  "नमस्ते दुनिया",
  "ສະບາຍດີ",
  "កាន់តែពិសេសអាច",
  "สวัสดีครับ",
  "Ünïcödé çà été",
  "Đặng Thị Hương",
  "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 math",
  "ﬁne ligature",
  "İstanbul ıI",
  "ẞß ſ",
  "Ⅷ ½ ² ३४ ٣٤ 一二三",
];
const emoji = ["🚀", "😶‍🌫️", "👩‍👩‍👧‍👦", "🇫🇷🇩🇪", "✅", "🦙🦙", "👍🏽", "❤️", "1️⃣"];
const marks = ["é", "a̐̂", "n̈̈̈", "ก้", "क्ष", "ạ̈", "Z̷̢̛a̶l̵g̷o̶"];
const spaces = [
  " ",
  "  ",
  "   ",
  "\t",
  "\t\t",
  " \t ",
  "\n",
  "\n\n",
  "\r\n",
  "\r",
  "\u00a0",
  "\u2003",
  "\u3000",
  "        ",
  "\u200b",
];
const controls = ["\u0001", "\u0007", "\u001b[0m", "\u007f", "\u0085", "\u2028", "\ufeff", "\u0000x"];
const code = [
  "for (let i = 0; i < n; i++) { sum += a[i] ** 2; }",
  'def f(x: int) -> str:\n    return f"{x!r}"',
  "SELECT * FROM t WHERE a >= 10 AND b != 'x''y';",
  "#include <stdio.h>\n\tint main(void) { return 0; }",
  "if (!x && y || z) throw new Error(`bad`);",
  "https://example.org/a/b?c=d&e=%20f#g",
  '<div class="a">&nbsp;</div>',
  "\\begin{equation} e^{i\\pi}+1=0 \\end{equation}",
  "0xDEADBEEF 1e-9 3.14159 1,000,000 12:34:56 2024-02-29",
  "I've they're we'd he'll she's it'd I'M YOU'RE WE'VE 'tis o'clock ''' \"\"\" ```",
];
const punctuation = [
  "...",
  "!!!",
  "?",
  "—",
  "–",
  "…",
  "(",
  ")",
  "[]",
  "{}",
  "::",
  "->",
  "=>",
  "**",
  "_",
  "$",
  "€",
  "§",
  "~",
  "^",
  "|",
  "\\",
  "/",
];

/** Text that splitters and merges trip over: English, code, numbers, emoji, scripts, marks, spaces, controls. */
export function corpusLines(count: number, seed: number): readonly string[] {
  const random = new SeededRandom(seed);
  return Array.from({ length: count }, (_, index) => makers[index % makers.length]?.(random) ?? "");
}

type LineMaker = (random: SeededRandom) => string;

function repeated(random: SeededRandom, most: number, make: () => string): string {
  return Array.from({ length: 1 + random.integer(most) }, make).join("");
}

function number(random: SeededRandom): string {
  return String(random.integer(10 ** (1 + random.integer(9))));
}

const makers: readonly LineMaker[] = [
  (random) => repeated(random, 14, () => `${random.pick(words)} `),
  (random) =>
    repeated(
      random,
      14,
      () => ` ${random.pick(words)}${random.pick(["", "", ",", ".", "'s", "'re", "N'T"])}`,
    ),
  (random) => repeated(random, 3, () => random.pick(code) + random.pick(spaces)),
  (random) => repeated(random, 6, () => number(random) + random.pick([" ", "", ".", ",", "-", "a"])),
  (random) => repeated(random, 4, () => random.pick(others) + random.pick(spaces)),
  (random) => repeated(random, 5, () => random.pick(emoji) + random.pick([...spaces, ...words])),
  (random) => repeated(random, 5, () => random.pick(marks) + random.pick([...words, ...spaces])),
  (random) => repeated(random, 9, () => random.pick(spaces)),
  (random) => repeated(random, 6, () => random.pick([...controls, ...words])),
  (random) => repeated(random, 9, () => random.pick(punctuation) + random.pick([...words, ...spaces, ""])),
  (random) =>
    repeated(random, 12, () =>
      random.pick([...words, ...others, ...emoji, ...marks, ...spaces, ...controls, ...code, ...punctuation]),
    ),
  (random) => repeated(random, 8, () => random.pick(words).toUpperCase() + random.pick(["", "x", " ", "9"])),
  (random) => repeated(random, 20, () => String.fromCodePoint(codePoint(random))),
];

/** Any assigned or unassigned code point but the surrogates. */
function codePoint(random: SeededRandom): number {
  const limit = random.pick([0x80, 0x800, 0x3000, 0x10000, 0x110000]);
  const point = random.integer(limit);
  return point >= 0xd800 && point < 0xe000 ? 0x20 : point;
}
