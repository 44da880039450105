import { unsupported } from "./schema.ts";

const date =
  "\\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|02-(?:0[1-9]|1\\d|2[0-8]))";
const clock = "(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d{1,6})?";
const offset = "(?:Z|[+-](?:[01]\\d|2[0-3]):[0-5]\\d)";
const octet = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const label = "[a-z0-9](?:-?[a-z0-9]){0,30}";
const hex = "[0-9a-f]";

/**
 * Formats of RFC 3339, RFC 4122 and their kin as patterns, each a little narrower than its standard (no 29 February, no
 * leap second, UUIDs of version 4). Where there are several, the first that everything else allows is taken.
 */
const formats: Readonly<Record<string, readonly string[]>> = {
  date: [`^${date}$`],
  time: [`^${clock}${offset}$`, `^${clock}Z$`],
  "date-time": [`^${date}T${clock}${offset}$`, `^${date}T${clock}Z$`],
  duration: ["^P(?:[1-9]\\d{0,3}W|[1-9]\\d{0,3}D(?:T[1-9]\\d?H)?|T[1-9]\\d{0,3}[HMS])$"],
  uuid: [`^${hex}{8}-${hex}{4}-4${hex}{3}-[89ab]${hex}{3}-${hex}{12}$`],
  ipv4: [`^(?:${octet}\\.){3}${octet}$`],
  ipv6: [`^(?:${hex}{1,4}:){7}${hex}{1,4}$`],
  hostname: [`^${label}(?:\\.${label}){0,3}$`],
  email: [`^[a-z0-9](?:\\.?[a-z0-9_-]){0,30}@(?:${label}\\.){1,2}[a-z]{2,10}$`],
  uri: [`^https?://(?:${label}\\.){1,2}[a-z]{2,10}(?:/[a-z0-9_~-]{1,30}){0,8}$`],
};

export function isFormat(name: string): boolean {
  return Object.hasOwn(formats, name);
}

/** Patterns of a format, the widest first. @throws InvalidRequestError for one that is unknown */
export function formatPatterns(name: string, path: string): readonly string[] {
  if (!isFormat(name))
    throw unsupported(path, "format", `${name} is unknown; known are ${Object.keys(formats).join(", ")}`);
  return formats[name] ?? [];
}
