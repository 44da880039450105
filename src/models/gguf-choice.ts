import { basename } from "node:path";

/** The files of one quantization of a model: one, or the parts of a split one in order. */
export interface GgufSet {
  /** `Q8_0`, `Q4_K_M`, `UD-Q4_K_XL`, …; empty where the name has none. */
  readonly label: string;
  readonly files: readonly string[];
}

/** Best first: near-lossless at a size a CPU likes, then ever smaller, then what is too big for most machines. */
const preference = (
  "Q8_0 Q4_K_M Q5_K_M Q6_K Q5_K_S Q4_K_S Q4_K_L Q4_0 Q4_1 Q5_0 Q5_1 IQ4_NL IQ4_XS Q3_K_L Q3_K_M Q3_K_S " +
  "F16 FP16 BF16 F32 FP32 Q2_K"
).split(" ");

const labelPattern =
  /(?:^|[-._])((?:UD-)?(?:I?Q\d(?:_\d|_K(?:_[A-Z]{1,2})?|_[A-Z]{1,3})?|TQ\d_\d|MXFP4(?:_MOE)?|BF16|FP?16|FP?32))(?=[-._]|$)/gi;
const splitPattern = /-(\d{5})-of-(\d{5})$/;
/** Vision projectors, importance matrices and bare vocabularies can't be served. */
const notModels = /(^|[-._/])(mmproj|imatrix|vocab)([-._]|$)/i;

/** The complete sets of GGUF files among a repository's names. */
export function ggufSets(paths: readonly string[]): readonly GgufSet[] {
  const models = paths.filter((path) => path.toLowerCase().endsWith(".gguf") && !notModels.test(path));
  const bySet = Map.groupBy(models, (path) => path.slice(0, -".gguf".length).replace(splitPattern, ""));
  return [...bySet]
    .map(([stem, files]) => ({ label: labelOf(basename(stem)), files: files.toSorted() }))
    .filter(({ files }) => isComplete(files));
}

function labelOf(stem: string): string {
  return [...stem.matchAll(labelPattern)].at(-1)?.[1]?.toUpperCase() ?? "";
}

function isComplete(files: readonly string[]): boolean {
  const parts = Number(splitPattern.exec((files[0] ?? "").slice(0, -".gguf".length))?.[2] ?? 1);
  return files.length === parts;
}

/** The set that was asked for by label or by file name; undefined where there is none. */
export function setByLabel(sets: readonly GgufSet[], wanted: string): GgufSet | undefined {
  const upper = wanted.toUpperCase();
  return (
    sets.find((set) => set.label === upper) ??
    sets.find((set) => set.files.some((file) => basename(file).toUpperCase() === upper))
  );
}

/** The set to take when none was named: `favourite` where it exists, else by preference. */
export function preferredSet(sets: readonly GgufSet[], favourite: string | undefined): GgufSet | undefined {
  const order = favourite === undefined ? preference : [favourite.toUpperCase(), ...preference];
  const rank = ({ label }: GgufSet) => {
    const index = order.indexOf(label);
    return index < 0 ? order.length : index;
  };
  return sets.toSorted((a, b) => rank(a) - rank(b) || (a.files[0] ?? "").localeCompare(b.files[0] ?? ""))[0];
}
