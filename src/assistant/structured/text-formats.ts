/** Formats that are asserted, as patterns of the standards that JSON Schema names for them. */

const day28 = "(?:0[1-9]|1\\d|2[0-8])";
const leapYear = "(?:\\d\\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)";
/** RFC 3339, section 5.6, with the days that months have. */
const date = `(?:\\d{4}-(?:(?:0[13578]|1[02])-(?:${day28}|29|3[01]|30)|(?:0[469]|11)-(?:${day28}|29|30)|02-${day28})|${leapYear}-02-29)`;
const clock = "(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d{1,9})?";
const offset = "(?:[Zz]|[+-](?:[01]\\d|2[0-3]):[0-5]\\d)";
const octet = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const ipv4 = `(?:${octet}\\.){3}${octet}`;
const hex = "[0-9A-Fa-f]";
const group = `${hex}{1,4}`;
/** RFC 4291, section 2.2: at most one run of zeros is left out. */
const ipv6 = [
  `(?:${group}:){6}(?:${group}:${group}|${ipv4})`,
  `::(?:${group}:){0,5}(?:${group}:${group}|${ipv4})`,
  `::(?:${group})?`,
  ...[1, 2, 3, 4, 5, 6, 7].map((before) => {
    const after = 7 - before;
    const tail =
      after > 1 ? `(?:${group}(?::${group}){0,${after - 1}})?` : after === 1 ? `(?:${group})?` : "";
    return `${group}(?::${group}){${before - 1}}::${tail}`;
  }),
  ...[1, 2, 3, 4].map(
    (before) => `${group}(?::${group}){${before - 1}}::(?:${group}:){0,${5 - before}}${ipv4}`,
  ),
].join("|");
/** RFC 1123: labels of letters, digits and inner hyphens. */
const label = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
const shortLabel = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,28}[A-Za-z0-9])?";
/** At most 253 characters: three labels of any length, or eight of at most 30. */
const hostname = `${label}(?:\\.${label}){0,2}|${shortLabel}(?:\\.${shortLabel}){0,7}`;
const atext = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+";
const email = `${atext}(?:\\.${atext})*@${label}(?:\\.${label})+`;
const percent = `%${hex}${hex}`;
const unreserved = "A-Za-z0-9._~\\-";
const subDelimiters = "!$&'()*+,;=";
const segment = `(?:[${unreserved}${subDelimiters}:@]|${percent})`;
const host = `(?:\\[(?:${ipv6})\\]|(?:[${unreserved}${subDelimiters}]|${percent})*)`;
const authority = `(?:(?:[${unreserved}${subDelimiters}:]|${percent})*@)?${host}(?::\\d*)?`;
const hierarchy = `(?://${authority}(?:/${segment}*)*|/(?:${segment}+(?:/${segment}*)*)?|${segment}+(?:/${segment}*)*)`;
const trailer = `(?:\\?(?:${segment}|[/?])*)?(?:#(?:${segment}|[/?])*)?`;
/** RFC 3986. An empty path is left out: a URI that is a scheme alone is of no use. */
const uri = `[A-Za-z][A-Za-z0-9+.-]*:${hierarchy}${trailer}`;
const relative = `(?://${authority}(?:/${segment}*)*|/(?:${segment}+(?:/${segment}*)*)?|(?:[${unreserved}${subDelimiters}@]|${percent})+(?:/${segment}*)*)?${trailer}`;
/** RFC 3339, appendix A. */
const durationTime = "T(?:\\d+H(?:\\d+M(?:\\d+S)?)?|\\d+M(?:\\d+S)?|\\d+S)";
const durationDate = "(?:\\d+D|\\d+M(?:\\d+D)?|\\d+Y(?:\\d+M(?:\\d+D)?)?)";
const pointer = "(?:/(?:[^~/]|~[01])*)*";

/** Regular expressions of a simple kind, two levels of groups deep: what is written so is one for certain. */
const regexAtom =
  "(?:[^\\\\^$.*+?()\\[\\]{}|]|\\.|\\\\[dDwWsStnrfv^$.*+?()\\[\\]{}|/\\\\-]|\\[\\^?(?:[^\\\\\\[\\]-]|\\\\[dDwWsS\\\\\\]\\[^-]|[0-9]-9|[A-Z]-Z|[a-z]-z)+-?\\])";
const regexCount = "(?:(?:[*+?]|\\{\\d{1,3},?\\}|\\{\\d,[1-9]\\d{1,2}\\})\\??)?";
const regexTerm = (atom: string) => `(?:${atom}${regexCount}|\\^|\\$)`;
const regexGroup = (inner: string) => `(?:${regexAtom}|\\((?:\\?:)?${inner}*(?:\\|${inner}*)*\\))`;
const regexTop = regexTerm(regexGroup(regexTerm(regexGroup(regexTerm(regexAtom)))));

/** Those of which only a part is taken: what they leave out may still be of the format. */
export const narrowedFormats: ReadonlySet<string> = new Set(["regex", "hostname"]);

const formats: Readonly<Record<string, string>> = {
  date,
  time: `${clock}${offset}`,
  "date-time": `${date}[Tt]${clock}${offset}`,
  duration: `P(?:${durationDate}(?:${durationTime})?|${durationTime}|\\d+W)`,
  uuid: `${hex}{8}-(?:${hex}{4}-){3}${hex}{12}`,
  ipv4,
  ipv6,
  hostname,
  email,
  uri,
  "uri-reference": `${uri}|${relative}`,
  "json-pointer": pointer,
  regex: `${regexTop}*(?:\\|${regexTop}*)*`,
};

/** A pattern for the texts of a format; undefined for one that is not known, and says nothing. */
export function formatPattern(name: string): string | undefined {
  return Object.hasOwn(formats, name) ? `^(?:${formats[name]})$` : undefined;
}
