import { digestOf } from "../../platform/digest.ts";

/** A name that models may use for a server's tool, the same each time; two tools of a server never share one. */
export function nameFor(label: string, tool: string): string {
  const plain = `${label}__${tool}`.replaceAll(/[^A-Za-z0-9_-]/g, "_");
  if (plain === `${label}__${tool}` && plain.length <= 64) return plain;
  return `${plain.slice(0, 55)}_${digestOf([label, tool]).slice(0, 8)}`;
}

export function isSafeLabel(label: string): boolean {
  return /^[A-Za-z0-9_-]{1,32}$/.test(label);
}

interface Filter {
  readonly tool_names?: readonly string[];
  readonly read_only?: boolean;
}

/** Which calls wait for a person: all, none, or by filters. */
export type ApprovalFilters = "always" | "never" | { readonly always?: Filter; readonly never?: Filter };

/** What such a rule says of a tool; undefined where it says nothing. */
export function ruleFor(
  rule: ApprovalFilters,
  tool: string,
  isReadOnly: boolean,
): "always" | "never" | undefined {
  if (typeof rule === "string") return rule;
  const fits = (filter: Filter | undefined) =>
    filter !== undefined &&
    (filter.tool_names?.includes(tool) ?? true) &&
    (filter.read_only === undefined || filter.read_only === isReadOnly);
  if (fits(rule.always)) return "always";
  return fits(rule.never) ? "never" : undefined;
}
