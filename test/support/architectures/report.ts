import type { Outcome } from "./outcomes.ts";

/** What came of an architecture in each layout of the KV cache. */
export interface Tried {
  readonly architecture: string;
  readonly separate: Outcome;
  readonly shared: Outcome;
}

export const MARKS = ["<!-- architectures -->", "<!-- /architectures -->"] as const;

/** The lists of docs/models.md: what came of those that were tried, and the names of the others. */
export function report(tried: readonly Tried[], architectures: readonly string[]): string {
  const isSame = ({ separate, shared }: Tried) => separate.type === "same" && shared.type === "same";
  const same = tried.filter(isSame).map(({ architecture }) => architecture);
  const others = tried.filter((one) => !isSame(one));
  const rows = others.map(
    ({ architecture, separate, shared }) => `| ${architecture} | ${words(separate)} | ${words(shared)} |`,
  );
  const names = new Set(tried.map(({ architecture }) => architecture));
  const untried = architectures.filter((name) => !names.has(name));
  return [
    `Served alike alone and under all of it, in both layouts (${same.length} of ${tried.length}): ${same.join(", ")}.`,
    "",
    "| the others | separate | shared |",
    "| --- | --- | --- |",
    ...rows,
    ...(untried.length > 0 ? ["", `Not tried in this way yet: ${untried.join(", ")}.`] : []),
  ].join("\n");
}

function words(outcome: Outcome): string {
  switch (outcome.type) {
    case "same":
      return "same";
    case "differs":
      return `differs in ${situations(outcome.differences.length)}: ${outcome.differences[0]}`;
    case "refused":
      return `refused: ${plain(outcome.reason)}`;
    case "not made":
      return `not tried: no tiny model of it (${plain(outcome.reason)})`;
    case "crashed":
      return `llama.cpp ends the process (${outcome.signal})`;
    default:
      return outcome satisfies never;
  }
}

function situations(count: number): string {
  return `${count} situation${count === 1 ? "" : "s"}`;
}

function plain(reason: string): string {
  return reason
    .replace(/^llama\.cpp takes no \S+: /, "")
    .replaceAll(/llama_model_load(_from_file_impl)?: (error loading model: )?/g, "")
    .replace(/; failed to load model$/, "")
    .replaceAll("|", "\\|")
    .trim();
}
