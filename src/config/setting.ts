import { statSync } from "node:fs";

/** One environment variable: how it is written, what it means, what it is when absent. */
export interface Setting<T> {
  readonly variable: string;
  readonly description: string;
  /** The default as one would write it; empty when there is none. */
  readonly defaultText: string;
  /** What may be written, for people: `1 to 65535`. */
  readonly form: string;
  /** Value when the variable is absent or empty. */
  readonly fallback: T;
  /** Never printed. */
  readonly isSecret: boolean;
  /** @throws Error whose message completes "NAME …": `must be a whole number` */
  parse(text: string): T;
}

interface Base<T> {
  readonly fallback: T;
  readonly defaultText?: string;
  readonly isSecret?: boolean;
}

export function setting<T>(
  variable: string,
  description: string,
  form: string,
  base: Base<T>,
  parse: (text: string) => T,
): Setting<T> {
  const defaultText = base.defaultText ?? (base.fallback === undefined ? "" : String(base.fallback));
  return {
    variable,
    description,
    form,
    defaultText,
    fallback: base.fallback,
    isSecret: base.isSecret ?? false,
    parse,
  };
}

export interface Range {
  readonly min: number;
  readonly max: number;
}

export function integer(
  variable: string,
  fallback: number,
  range: Range,
  description: string,
): Setting<number> {
  return setting(variable, description, `${range.min} to ${range.max}`, { fallback }, (text) => {
    const value = Number(text);
    if (!/^-?\d+$/.test(text) || value < range.min || value > range.max) {
      throw new Error(`must be a whole number from ${range.min} to ${range.max}`);
    }
    return value;
  });
}

export function optionalInteger(
  variable: string,
  range: Range,
  description: string,
): Setting<number | undefined> {
  const { parse, form } = integer(variable, 0, range, description);
  return setting<number | undefined>(variable, description, form, { fallback: undefined }, parse);
}

const unitBytes: Readonly<Record<string, number>> = {
  "": 1,
  B: 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
};

export function decimal(
  variable: string,
  fallback: number,
  range: Range,
  description: string,
): Setting<number> {
  return setting(variable, description, `${range.min} to ${range.max}`, { fallback }, (text) => {
    const value = Number(text);
    if (!/^-?\d+(\.\d+)?$/.test(text) || value < range.min || value > range.max)
      throw new Error(`must be a number from ${range.min} to ${range.max}`);
    return value;
  });
}

/** An amount of memory: `512MiB`, `2GiB`, `1000000`. */
export function bytes(variable: string, fallback: string, description: string): Setting<number> {
  const parse = (text: string) => {
    const match = /^(\d+(?:\.\d+)?)\s*([A-Za-z]*)$/.exec(text);
    const unit = unitBytes[match?.[2] ?? "?"];
    if (match === null || unit === undefined)
      throw new Error("must be an amount of bytes such as 512MiB or 2GiB");
    return Math.round(Number(match[1]) * unit);
  };
  return setting(
    variable,
    description,
    "bytes, KiB, MiB, GiB",
    { fallback: parse(fallback), defaultText: fallback },
    parse,
  );
}

/** An amount of bytes that the server chooses where none is given. */
export function optionalBytes(
  variable: string,
  defaultText: string,
  description: string,
): Setting<number | undefined> {
  const { parse, form } = bytes(variable, "0", description);
  return setting<number | undefined>(
    variable,
    description,
    form,
    { fallback: undefined, defaultText },
    parse,
  );
}

export function choice<const T extends string>(
  variable: string,
  fallback: T,
  choices: readonly T[],
  description: string,
): Setting<T> {
  return setting(
    variable,
    description,
    choices.map((value) => `\`${value}\``).join(", "),
    { fallback },
    (text) => {
      const found = choices.find((value) => value === text);
      if (found === undefined) throw new Error(`must be one of ${choices.join(", ")}`);
      return found;
    },
  );
}

export function flag(variable: string, description: string): Setting<boolean> {
  return setting(variable, description, "`1` or `0`", { fallback: false, defaultText: "0" }, (text) => {
    if (/^(1|true|yes|on)$/i.test(text)) return true;
    if (/^(0|false|no|off)$/i.test(text)) return false;
    throw new Error("must be 1 or 0");
  });
}

export function text(variable: string, fallback: string, form: string, description: string): Setting<string> {
  return setting(variable, description, form, { fallback }, (value) => value);
}

/** Where a directory is, or will be made. */
export function directory(variable: string, fallback: string, description: string): Setting<string> {
  return setting(variable, description, "a directory", { fallback }, (path) => {
    if (isOrIsBelowFile(path)) throw new Error("must be a directory and not a file");
    return path;
  });
}

function isOrIsBelowFile(path: string): boolean {
  try {
    return !statSync(path).isDirectory();
  } catch (error) {
    // What is not there can be made, and what else is in the way is said when it is used.
    return (error as NodeJS.ErrnoException).code === "ENOTDIR";
  }
}

export function optionalText(
  variable: string,
  form: string,
  description: string,
): Setting<string | undefined> {
  return setting<string | undefined>(variable, description, form, { fallback: undefined }, (value) => value);
}

export function url(variable: string, fallback: string, description: string): Setting<string> {
  return setting(variable, description, "an http(s) URL", { fallback }, (value) => {
    const parsed = URL.parse(value);
    if (parsed === null || !/^https?:$/.test(parsed.protocol))
      throw new Error("must be an http:// or https:// URL");
    if (parsed.username !== "" || parsed.password !== "") throw new Error("must not contain a password");
    return value.replace(/\/+$/, "");
  });
}

export function secret<T extends string | undefined>(
  variable: string,
  fallback: T,
  description: string,
): Setting<string | T> {
  const defaultText = fallback === undefined ? "" : `${fallback}`;
  const parse = (value: string): string => {
    if (!/^[\x21-\x7e]+$/.test(value)) throw new Error("must be visible ASCII characters without spaces");
    return value;
  };
  return setting<string | T>(
    variable,
    description,
    "a secret",
    { fallback, defaultText, isSecret: true },
    parse,
  );
}

/** Where another service is; it may hold a password and is never printed. */
export function connectionUrl(
  variable: string,
  schemes: readonly string[],
  description: string,
): Setting<string | undefined> {
  const forms = schemes.map((scheme) => `${scheme}://…`).join(" or ");
  return setting<string | undefined>(
    variable,
    description,
    forms,
    { fallback: undefined, isSecret: true },
    (value) => {
      const scheme = URL.parse(value)?.protocol.slice(0, -1);
      if (scheme === undefined || !schemes.includes(scheme)) throw new Error(`must be a URL: ${forms}`);
      return value;
    },
  );
}

/** A model of this machine or the hub, or one behind an OpenAI-compatible API. */
export type ModelOrUpstream =
  | { readonly kind: "local"; readonly name: string }
  | { readonly kind: "upstream"; readonly baseUrl: string; readonly model: string };

/** `org/name`, a path, `builtin`, or `https://host/v1#model`. */
export function modelOrUpstream(variable: string, description: string): Setting<ModelOrUpstream | undefined> {
  const form = "a model as in `MODEL_NAME`, or `https://host/v1#model`";
  return setting<ModelOrUpstream | undefined>(
    variable,
    description,
    form,
    { fallback: undefined },
    (text) => {
      if (!/^https?:/.test(text)) return { kind: "local", name: text };
      const [address = "", model = ""] = text.split("#", 2);
      const parsed = URL.parse(address);
      if (parsed === null || model === "")
        throw new Error("must name the API and the model: https://host/v1#model");
      if (parsed.username !== "" || parsed.password !== "")
        throw new Error("must not contain a password; the key has a variable of its own");
      return { kind: "upstream", baseUrl: address.replace(/\/+$/, ""), model };
    },
  );
}

/** Who may call from a browser, as browsers write it in their Origin header: scheme and host, in lower case and without a path. */
export function webOrigin(variable: string, description: string): Setting<string | undefined> {
  return setting<string | undefined>(
    variable,
    description,
    "an origin, or `*`",
    { fallback: undefined },
    (value) => {
      if (value === "*") return value;
      if (!/^[a-z][a-z0-9+.-]*:\/\/[^\s/?#,@*]+\/?$/i.test(value))
        throw new Error("must be one origin, such as https://app.example, or *");
      return value.replace(/\/$/, "").toLowerCase();
    },
  );
}

/** `llm.example,llm.internal`: names without port. */
export function hostNames(variable: string, description: string): Setting<readonly string[]> {
  return hosts(variable, description, /^[a-z0-9_.-]+$/);
}

/** The same, with `*.example.org` for all names of a domain, `*` for all, and IPv6 addresses in brackets. */
export function hostPatterns(variable: string, description: string): Setting<readonly string[]> {
  return hosts(variable, description, /^(\*|(\*\.)?[a-z0-9_.-]+|\[[0-9a-f:]+\])$/);
}

function hosts(variable: string, description: string, form: RegExp): Setting<readonly string[]> {
  const fallback: readonly string[] = [];
  return setting(
    variable,
    description,
    "names, separated by commas",
    { fallback, defaultText: "" },
    (value) => {
      const names = value.split(",").map((name) => name.trim().toLowerCase());
      const wrong = names.find((name) => !form.test(name));
      if (wrong !== undefined)
        throw new Error(`must be names such as llm.example, without port; ${wrong} is not one`);
      return names;
    },
  );
}

/** Names that stand for others: `gpt-4o-mini=builtin,gpt-4o=builtin`. */
/** Headers as OpenTelemetry's variables have them: `name=value` pairs, values percent-encoded. */
export function headerList(variable: string, description: string): Setting<ReadonlyMap<string, string>> {
  const fallback: ReadonlyMap<string, string> = new Map();
  return setting(
    variable,
    description,
    "`name=value`, several with commas",
    { fallback, defaultText: "", isSecret: true },
    (text) => {
      const pairs = text.split(",").map((pair) => /^\s*([\w-]+)\s*=(.*)$/.exec(pair)?.slice(1) ?? []);
      return new Map(
        pairs.map(([name, value]): [string, string] => {
          if (name === undefined || value === undefined)
            throw new Error("must be name=value pairs with commas between them");
          return [name.toLowerCase(), decodeURIComponent(value.trim())];
        }),
      );
    },
  );
}

export function aliases(variable: string, description: string): Setting<ReadonlyMap<string, string>> {
  const fallback: ReadonlyMap<string, string> = new Map();
  return setting(
    variable,
    description,
    "`name=model`, several with commas, or `*`",
    { fallback, defaultText: "" },
    (text) => {
      const pairs = text
        .split(",")
        .map((pair) => (pair.trim() === "*" ? ["*", "*"] : pair.split("=").map((side) => side.trim())));
      for (const pair of pairs) {
        if (pair.length !== 2 || pair.includes(""))
          throw new Error("must be name=model pairs with commas between them, or *");
      }
      return new Map(pairs as Array<[string, string]>);
    },
  );
}
