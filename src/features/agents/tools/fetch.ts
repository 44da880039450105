import { type LookupAddress, type LookupOptions, lookup } from "node:dns";
import { isIP } from "node:net";
import { ApiError, InvalidRequestError } from "../../../errors.ts";
import { isPublicAddress } from "../../../platform/public-address.ts";
import { plainText } from "./plain-text.ts";
import { ownTool, type ServerTool } from "./server-tool.ts";

const CONNECT_MS = 5_000;
const TOTAL_MS = 20_000;
const MAX_BYTES = 2 * 2 ** 20;
const MAX_REDIRECTS = 5;

export interface FetchRules {
  /** Hosts that may be asked: names, `*.domain`, or `*`. */
  readonly allowed: readonly string[];
  /** Of these, those that may be at addresses of this machine or network, over plain HTTP and on any port. */
  readonly private: readonly string[];
}

export function fetchTool(rules: FetchRules): ServerTool {
  return ownTool(
    {
      name: "fetch",
      description:
        "Gets a web page or a text by its URL, which must have been named in the conversation before.",
      properties: { url: { type: "string", minLength: 1, maxLength: 2_000 } },
    },
    "read",
    async ({ url }, { signal, isShown }) => {
      const wanted = String(url);
      // A URL that the model makes up may carry what it read to wherever it leads.
      if (!(await isShown(wanted)))
        throw new InvalidRequestError("Only a URL that was named in the conversation before can be fetched.");
      return fetchText(wanted, rules, signal);
    },
  );
}

/** The text behind a URL. @throws ApiError that says what is in the way */
export async function fetchText(url: string, rules: FetchRules, signal: AbortSignal): Promise<string> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(TOTAL_MS)]);
  let target = checked(url, rules);
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const answer = await ask(target, isPrivate(target.hostname, rules), limit).catch((error: unknown) => {
      signal.throwIfAborted();
      throw failed(error);
    });
    if ("text" in answer) return answer.text;
    target = checked(new URL(answer.location, target).href, rules);
  }
  throw new InvalidRequestError(`There were more than ${MAX_REDIRECTS} redirects.`);
}

/** Asks once, at an address that was checked: what the name means afterwards does not matter. */
async function ask(
  target: URL,
  isPrivateAllowed: boolean,
  signal: AbortSignal,
): Promise<{ readonly text: string } | { readonly location: string }> {
  const { Agent, fetch } = await import("undici");
  const dispatcher = new Agent({ connect: { timeout: CONNECT_MS, lookup: checkedLookup(isPrivateAllowed) } });
  try {
    const response = await fetch(target, {
      dispatcher,
      redirect: "manual",
      signal,
      headers: { "user-agent": "llm-server", accept: "text/*, application/json" },
    });
    const location = response.headers.get("location");
    if (response.status >= 300 && response.status < 400 && location !== null) return { location };
    if (!response.ok) throw new InvalidRequestError(`The server answered ${response.status}.`);
    const type = response.headers.get("content-type") ?? "text/plain";
    if (!/^(text\/|application\/(json|xml|[\w.+-]+\+(json|xml)))/i.test(type))
      throw new InvalidRequestError(`It is ${type.slice(0, 100)}, and no text.`);
    const text = await readText(response.body, signal);
    return { text: /html/i.test(type) ? plainText(text) : text };
  } finally {
    await dispatcher.destroy();
  }
}

/** The URL, where it may be asked for. */
function checked(text: string, rules: FetchRules): URL {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:"))
    throw new InvalidRequestError("That is no URL of the web.");
  if (url.username !== "" || url.password !== "")
    throw new InvalidRequestError("A URL with a name and a password can't be fetched.");
  const { hostname } = url;
  if (!rules.allowed.some((pattern) => fits(hostname, pattern)) && !isPrivate(hostname, rules))
    throw new InvalidRequestError(`${hostname} is not among the hosts that may be asked.`);
  if (isPrivate(hostname, rules)) return url;
  if (url.protocol !== "https:" || url.port !== "")
    throw new InvalidRequestError("Only https on its usual port can be fetched.");
  // Of a name the addresses are checked when it is looked up.
  const address = hostname.replace(/^\[(.*)\]$/, "$1");
  if (isIP(address) !== 0 && !isPublicAddress(address)) throw forbidden(address);
  return url;
}

function isPrivate(hostname: string, rules: FetchRules): boolean {
  return rules.private.includes(hostname);
}

function fits(hostname: string, pattern: string): boolean {
  if (pattern === "*") return true;
  return pattern.startsWith("*.") ? hostname.endsWith(pattern.slice(1)) : hostname === pattern;
}

type LookupDone = (
  error: NodeJS.ErrnoException | null,
  addresses: string | LookupAddress[],
  family?: number,
) => void;

/** Looks a name up, and fails where any of its addresses is not public. */
export function checkedLookup(isPrivateAllowed: boolean, resolve: typeof lookup = lookup) {
  return (hostname: string, options: LookupOptions, done: LookupDone): void => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      const list = addresses as unknown as LookupAddress[];
      const [first] = list ?? [];
      if (error !== null || first === undefined) {
        done(error ?? new Error(`${hostname} has no address`), []);
        return;
      }
      const bad = isPrivateAllowed ? undefined : list.find(({ address }) => !isPublicAddress(address));
      if (bad !== undefined) done(forbidden(bad.address), []);
      else if (options.all === true) done(null, list);
      else done(null, first.address, first.family);
    });
  };
}

function forbidden(address: string): ApiError {
  return new InvalidRequestError(`${address} is not an address of the public internet.`);
}

function failed(error: unknown): ApiError {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if (cause instanceof ApiError) return cause;
  return new InvalidRequestError(`It can't be fetched: ${(error as Error).message}.`);
}

async function readText(body: AsyncIterable<Uint8Array> | null, signal: AbortSignal): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of body ?? []) {
    signal.throwIfAborted();
    bytes += chunk.byteLength;
    if (bytes > MAX_BYTES) throw new InvalidRequestError(`It has more than ${MAX_BYTES} bytes.`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
