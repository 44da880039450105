import type { Environment } from "./config.ts";
import { costs } from "./costs.ts";
import { withoutPassword } from "./password.ts";
import type { Setting } from "./setting.ts";
import { sections } from "./settings.ts";

/** One setting as it is on this server, for people. */
export interface DescribedSetting {
  readonly section: string;
  readonly variable: string;
  readonly description: string;
  /** What may be written. */
  readonly form: string;
  readonly defaultText: string;
  /** As it was written; the default where nothing was, and undefined for secrets. */
  readonly value: string | undefined;
  /** Where the value comes from; `file` is `.env`. */
  readonly source: "default" | "environment" | "file";
  readonly isSecret: boolean;
  readonly cost: string | undefined;
}

/**
 * Every setting, in the order of docs/configuration.md.
 * @param environment what the configuration was read from: the process's own environment over a file
 * @param own the process's own part of it
 */
export function describeSettings(environment: Environment, own: Environment): readonly DescribedSetting[] {
  return Object.entries(sections).flatMap(([section, settings]) =>
    Object.values(settings as Readonly<Record<string, Setting<unknown>>>).map((setting) => {
      const { variable, description, form, defaultText, isSecret } = setting;
      const text = environment[variable]?.trim() ?? "";
      const source = text === "" ? "default" : own[variable] === undefined ? "file" : "environment";
      return {
        section,
        variable,
        description,
        form,
        defaultText,
        value: isSecret ? undefined : withoutPassword(text === "" ? defaultText : text),
        source,
        isSecret,
        cost: costs[variable],
      };
    }),
  );
}
